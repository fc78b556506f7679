{% set housing_measures = [
    'apartments', 'basementarea', 'years_beginexpluatation', 'years_build', 'commonarea', 'elevators', 'entrances',
    'floorsmax', 'floorsmin', 'landarea', 'livingapartments', 'livingarea', 'nonlivingapartments', 'nonlivingarea',
] %}
{% set document_numbers = range(2, 22) %}
{% set mismatch_flags = [
    'reg_region_not_live_region', 'reg_region_not_work_region', 'live_region_not_work_region',
    'reg_city_not_live_city', 'reg_city_not_work_city', 'live_city_not_work_city',
] %}

with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

-- what several features below are made of
counted as (

    select
        *,
        case when ext_source_1 is null then 0 else 1 end
        + case when ext_source_2 is null then 0 else 1 end
        + case when ext_source_3 is null then 0 else 1 end as ext_source_count,
        coalesce(ext_source_1, 0) + coalesce(ext_source_2, 0) + coalesce(ext_source_3, 0) as ext_source_total,
        least(ext_source_1, ext_source_2, ext_source_3) as ext_source_min,
        greatest(ext_source_1, ext_source_2, ext_source_3) as ext_source_max,
        {% for measure in housing_measures %}
        case when {{ measure }}_avg is null then 1 else 0 end{{ ' +' if not loop.last }}
        {% endfor %} as housing_missing_count,
        {% for measure in housing_measures %}
        coalesce({{ measure }}_avg, 0){{ ' +' if not loop.last }}
        {% endfor %} as housing_total
    from applications

),

features as (

    select
        sk_id_curr,

        -- the application as it was filled in
        name_contract_type,
        code_gender,
        flag_own_car,
        flag_own_realty,
        cnt_children,
        cnt_fam_members,
        amt_income_total,
        amt_credit,
        amt_annuity,
        amt_goods_price,
        name_type_suite,
        name_income_type,
        name_education_type,
        name_family_status,
        name_housing_type,
        occupation_type,
        organization_type,
        region_population_relative,
        region_rating_client,
        region_rating_client_w_city,
        weekday_appr_process_start,
        hour_appr_process_start,
        days_birth,
        days_employed,
        days_registration,
        days_id_publish,
        days_last_phone_change,
        own_car_age,
        flag_emp_phone,
        flag_work_phone,
        flag_phone,
        flag_email,
        flag_document_3,
        obs_30_cnt_social_circle,
        def_30_cnt_social_circle,
        def_60_cnt_social_circle,
        amt_req_credit_bureau_mon,
        amt_req_credit_bureau_qrt,
        amt_req_credit_bureau_year,
        totalarea_mode,
        {% for flag in mismatch_flags %}
        {{ flag }},
        {% endfor %}

        -- external scores
        ext_source_1,
        ext_source_2,
        ext_source_3,
        ext_source_count as application_ext_source_count,
        {{ safe_ratio('ext_source_total', 'ext_source_count') }} as application_ext_source_mean,
        ext_source_min as application_ext_source_min,
        ext_source_max as application_ext_source_max,
        case
            when ext_source_count = 3 then ext_source_total - ext_source_min - ext_source_max
            else {{ safe_ratio('ext_source_total', 'ext_source_count') }}
        end as application_ext_source_median,
        ext_source_max - ext_source_min as application_ext_source_range,
        ext_source_1 * ext_source_2 * ext_source_3 as application_ext_source_product,
        2 * ext_source_1 + ext_source_2 + 3 * ext_source_3 as application_ext_source_weighted_sum,
        ext_source_2 * ext_source_3 as application_ext_source_2_3_product,
        {{ safe_ratio('amt_credit', 'ext_source_3') }} as application_credit_to_ext_source_3_ratio,

        -- the loan against its terms and the client's means
        {{ safe_ratio('amt_credit', 'amt_annuity') }} as application_credit_to_annuity_ratio,
        {{ safe_ratio('amt_credit', 'amt_goods_price') }} as application_credit_to_goods_price_ratio,
        amt_credit - amt_goods_price as application_credit_minus_goods_price,
        {{ safe_ratio('amt_annuity', 'amt_income_total') }} as application_annuity_to_income_ratio,
        {{ safe_ratio('amt_credit', 'amt_income_total') }} as application_credit_to_income_ratio,
        {{ safe_ratio('amt_goods_price', 'amt_income_total') }} as application_goods_price_to_income_ratio,
        {{ safe_ratio('amt_income_total', 'cnt_fam_members') }} as application_income_per_family_member,
        {{ safe_ratio('cnt_children', 'cnt_fam_members') }} as application_children_share,

        -- the client's times against each other
        case when days_employed is null then 1 else 0 end as application_is_not_employed,
        {{ safe_ratio('days_employed', 'days_birth') }} as application_employed_to_age_ratio,
        days_employed - days_birth as application_age_at_employment_days,
        {{ safe_ratio('days_id_publish', 'days_birth') }} as application_id_publish_to_age_ratio,
        {{ safe_ratio('days_registration', 'days_birth') }} as application_registration_to_age_ratio,
        {{ safe_ratio('days_last_phone_change', 'days_birth') }} as application_phone_change_to_age_ratio,
        {{ safe_ratio('amt_income_total', '-days_employed') }} as application_income_per_day_employed,
        {{ safe_ratio('own_car_age * 365.25', '-days_birth') }} as application_car_age_to_age_ratio,
        -days_birth / 365.25 + {{ safe_ratio('amt_credit', 'amt_annuity') }} / 12 as application_age_at_payoff_years,

        -- what was counted
        {% for number in document_numbers %}
        flag_document_{{ number }}{{ ' +' if not loop.last }}
        {% endfor %} as application_document_count,
        {{ mismatch_flags | join(' + ') }} as application_address_mismatch_count,
        housing_missing_count as application_housing_missing_count,
        {{ safe_ratio('housing_total', (housing_measures | length) ~ ' - housing_missing_count') }}
            as application_housing_mean,
        amt_req_credit_bureau_hour + amt_req_credit_bureau_day + amt_req_credit_bureau_week
        + amt_req_credit_bureau_mon + amt_req_credit_bureau_qrt + amt_req_credit_bureau_year
            as application_bureau_enquiry_count,
        {{ safe_ratio('def_30_cnt_social_circle', 'obs_30_cnt_social_circle') }}
            as application_social_circle_default_share
    from counted

)

select * from features
