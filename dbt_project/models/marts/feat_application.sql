{% set housing_measures = [
    'apartments', 'basementarea', 'years_beginexpluatation', 'years_build', 'commonarea', 'elevators', 'entrances',
    'floorsmax', 'floorsmin', 'landarea', 'livingapartments', 'livingarea', 'nonlivingapartments', 'nonlivingarea',
] %}
{% set names = ['ext_source_mean', 'ext_source_2', 'ext_source_3', 'days_employed'] %}
{% set peer_measures = product_term_measures() | selectattr('name', 'in', names) | list %}
{% set terms = [6, 12, 18, 24, 36, 48, 60] %}
{% set document_numbers = range(2, 22) %}
{% set mismatch_flags = [
    'reg_region_not_live_region', 'reg_region_not_work_region', 'live_region_not_work_region',
    'reg_city_not_live_city', 'reg_city_not_work_city', 'live_city_not_work_city',
] %}

-- One row per application: what the application form and the external scores say, ratios between them, and a comparison with similar clients.
with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

peers as (

    select
        sk_id_curr,
        {% for measure in peer_measures %}
        {% set unit = 'days' if measure.name == 'days_employed' else 'score 0..1' %}
        -- [{{ unit }}] Mean of {{ measure.says }} among labelled clients with the same credit over annuity (to a quarter of a payment).
        product_term_{{ measure.name }}_mean as application_product_term_{{ measure.name }}_mean,
        -- [{{ unit }}] Difference of {{ measure.says }} from its mean among labelled clients with the same credit over annuity (to a quarter of a payment).
        product_term_{{ measure.name }}_difference as application_product_term_{{ measure.name }}_difference,
        {% endfor %}
        {% for measure in demography_measures() %}
        -- [standard deviations] How far the {{ measure.says }} lies from labelled clients of the same education, occupation and decade of age.
        demography_{{ measure.name }}_standard_score as application_demography_{{ measure.name }}_standard_score,
        {% endfor %}
        -- [count] Labelled clients with the same credit over annuity, to a quarter of a payment (a proxy of product and term).
        product_term_client_count as application_product_term_client_count
    from {{ ref('int_application_peers') }}

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
        -- [category] Identification if loan is cash or revolving.
        name_contract_type,
        -- [category] Gender of the client. Null when not available.
        code_gender,
        -- [flag] Flag if the client owns a car. 1 yes, 0 no.
        flag_own_car,
        -- [flag] Flag if client owns a house or flat. 1 yes, 0 no.
        flag_own_realty,
        -- [count] Number of children the client has.
        cnt_children,
        -- [currency] Income of the client.
        amt_income_total,
        -- [currency] Credit amount of the loan.
        amt_credit,
        -- [currency] Loan annuity.
        amt_annuity,
        -- [currency] For consumer loans it is the price of the goods for which the loan is given.
        amt_goods_price,
        -- [category] Who was accompanying client when he was applying for the loan.
        name_type_suite,
        -- [category] Clients income type (businessman, working, maternity leave,...)
        name_income_type,
        -- [category] Level of highest education the client achieved.
        name_education_type,
        -- [category] Family status of the client. Null when unknown.
        name_family_status,
        -- [category] What is the housing situation of the client (renting, living with parents, ...)
        name_housing_type,
        -- [normalised 0..1] Normalized population of region where client lives (higher number means the client lives in more populated region)
        region_population_relative,
        -- [days] Client's age in days at the time of application.
        days_birth,
        -- [days] How many days before the application the person started current employment. Null when not employed.
        days_employed,
        -- [days] How many days before the application did client change his registration.
        days_registration,
        -- [days] How many days before the application did client change the identity document with which he applied for the loan.
        days_id_publish,
        -- [years] Age of client's car.
        own_car_age,
        -- [flag] Did client provide work phone (1=YES, 0=NO)
        flag_emp_phone,
        -- [flag] Did client provide home phone (1=YES, 0=NO)
        flag_work_phone,
        -- [flag] Did client provide home phone (1=YES, 0=NO). The release describes FLAG_WORK_PHONE in the same words.
        flag_phone,
        -- [flag] Did client provide email (1=YES, 0=NO)
        flag_email,
        -- [category] What kind of occupation does the client have.
        occupation_type,
        -- [count] How many family members does client have.
        cnt_fam_members,
        -- [grade 1..3] Our rating of the region where client lives (1,2,3)
        region_rating_client,
        -- [grade 1..3] Our rating of the region where client lives with taking city into account (1,2,3)
        region_rating_client_w_city,
        -- [category] On which day of the week did the client apply for the loan.
        weekday_appr_process_start,
        -- [hour 0..23] Approximately at what hour did the client apply for the loan.
        hour_appr_process_start,
        -- [flag] Flag if client's permanent address does not match contact address (1=different, 0=same, at region level)
        reg_region_not_live_region,
        -- [flag] Flag if client's permanent address does not match work address (1=different, 0=same, at region level)
        reg_region_not_work_region,
        -- [flag] Flag if client's contact address does not match work address (1=different, 0=same, at region level)
        live_region_not_work_region,
        -- [flag] Flag if client's permanent address does not match contact address (1=different, 0=same, at city level)
        reg_city_not_live_city,
        -- [flag] Flag if client's permanent address does not match work address (1=different, 0=same, at city level)
        reg_city_not_work_city,
        -- [flag] Flag if client's contact address does not match work address (1=different, 0=same, at city level)
        live_city_not_work_city,
        -- [category] Type of organization where client works. Null when not available.
        organization_type,
        -- [normalised 0..1] Building where the client lives: size of the apartments, average, normalised to 0..1.
        apartments_avg,
        -- [normalised 0..1] Building where the client lives: basement area, average, normalised to 0..1.
        basementarea_avg,
        -- [normalised 0..1] Building where the client lives: start of the use of the building, average, normalised to 0..1.
        years_beginexpluatation_avg,
        -- [normalised 0..1] Building where the client lives: year of construction, average, normalised to 0..1.
        years_build_avg,
        -- [normalised 0..1] Building where the client lives: common area, average, normalised to 0..1.
        commonarea_avg,
        -- [normalised 0..1] Building where the client lives: number of elevators, average, normalised to 0..1.
        elevators_avg,
        -- [normalised 0..1] Building where the client lives: number of entrances, average, normalised to 0..1.
        entrances_avg,
        -- [normalised 0..1] Building where the client lives: highest number of floors, average, normalised to 0..1.
        floorsmax_avg,
        -- [normalised 0..1] Building where the client lives: lowest number of floors, average, normalised to 0..1.
        floorsmin_avg,
        -- [normalised 0..1] Building where the client lives: land area, average, normalised to 0..1.
        landarea_avg,
        -- [normalised 0..1] Building where the client lives: size of the living apartments, average, normalised to 0..1.
        livingapartments_avg,
        -- [normalised 0..1] Building where the client lives: living area, average, normalised to 0..1.
        livingarea_avg,
        -- [normalised 0..1] Building where the client lives: size of the non-living apartments, average, normalised to 0..1.
        nonlivingapartments_avg,
        -- [normalised 0..1] Building where the client lives: non-living area, average, normalised to 0..1.
        nonlivingarea_avg,
        -- [category] Account from which capital repairs of the building are paid (mode).
        fondkapremont_mode,
        -- [category] Type of the building where the client lives (mode).
        housetype_mode,
        -- [normalised 0..1] Building where the client lives: total area, mode, normalised to 0..1.
        totalarea_mode,
        -- [category] Material of the walls of the building where the client lives (mode).
        wallsmaterial_mode,
        -- [flag] Is the building where the client lives in an emergency state: Yes or No (mode).
        emergencystate_mode,
        -- [count] How many observation of client's social surroundings with observable 30 DPD (days past due) default.
        obs_30_cnt_social_circle,
        -- [count] How many observation of client's social surroundings defaulted on 30 DPD (days past due)
        def_30_cnt_social_circle,
        -- [count] How many observation of client's social surroundings with observable 60 DPD (days past due) default.
        obs_60_cnt_social_circle,
        -- [count] How many observation of client's social surroundings defaulted on 60 (days past due) DPD.
        def_60_cnt_social_circle,
        -- [days] How many days before application did client change phone. Null when unknown (0 in the release).
        days_last_phone_change,
        -- [flag] Did client provide document 3.
        flag_document_3,
        -- [flag] Did client provide document 6.
        flag_document_6,
        -- [flag] Did client provide document 8.
        flag_document_8,
        -- [count] Number of enquiries to Credit Bureau about the client one hour before application.
        amt_req_credit_bureau_hour,
        -- [count] Number of enquiries to Credit Bureau about the client one day before application (excluding one hour before application)
        amt_req_credit_bureau_day,
        -- [count] Number of enquiries to Credit Bureau about the client one week before application (excluding one day before application)
        amt_req_credit_bureau_week,
        -- [count] Number of enquiries to Credit Bureau about the client one month before application (excluding one week before application)
        amt_req_credit_bureau_mon,
        -- [count] Number of enquiries to Credit Bureau about the client 3 month before application (excluding one month before application)
        amt_req_credit_bureau_qrt,
        -- [count] Number of enquiries to the credit bureau about the client in the year before the application (excluding the last three months).
        amt_req_credit_bureau_year,

        -- external scores
        -- [score 0..1] Normalized score from external data source.
        ext_source_1,
        -- [score 0..1] Normalized score from external data source.
        ext_source_2,
        -- [score 0..1] Normalized score from external data source.
        ext_source_3,
        -- [count] Number of the three external scores that are known.
        ext_source_count as application_ext_source_count,
        -- [score 0..1] Mean of the external scores that are known.
        {{ safe_ratio('ext_source_total', 'ext_source_count') }} as application_ext_source_mean,
        -- [score 0..1] Smallest of the external scores that are known.
        ext_source_min as application_ext_source_min,
        -- [score 0..1] Largest of the external scores that are known.
        ext_source_max as application_ext_source_max,
        -- [score 0..1] Median of the external scores that are known.
        case
            when ext_source_count = 3 then ext_source_total - ext_source_min - ext_source_max
            else {{ safe_ratio('ext_source_total', 'ext_source_count') }}
        end as application_ext_source_median,
        -- [score 0..1] Product of the three external scores; null unless all three are known.
        ext_source_1 * ext_source_2 * ext_source_3 as application_ext_source_product,
        -- [score 0..1] Product of the second and the third external score.
        ext_source_2 * ext_source_3 as application_ext_source_2_3_product,

        -- the loan against its terms and the client's means
        -- [payments] Credit over annuity: a proxy of the term in monthly payments.
        {{ safe_ratio('amt_credit', 'amt_annuity') }} as application_credit_to_annuity_ratio,
        -- [ratio] Credit over the price of the goods; above 1, fees and insurance are financed too.
        {{ safe_ratio('amt_credit', 'amt_goods_price') }} as application_credit_to_goods_price_ratio,
        -- [currency] Credit minus the price of the goods.
        amt_credit - amt_goods_price as application_credit_minus_goods_price,
        -- [ratio] Monthly annuity over yearly income.
        {{ safe_ratio('amt_annuity', 'amt_income_total') }} as application_annuity_to_income_ratio,
        -- [ratio] Credit over yearly income.
        {{ safe_ratio('amt_credit', 'amt_income_total') }} as application_credit_to_income_ratio,
        -- [currency] Yearly income per family member.
        {{ safe_ratio('amt_income_total', 'cnt_fam_members') }} as application_income_per_family_member,

        -- the client's times against each other
        -- [flag] 1 when the release gives no start of employment (365243, mostly pensioners).
        case when days_employed is null then 1 else 0 end as application_is_not_employed,
        -- [ratio] Days in the present employment over age in days.
        {{ safe_ratio('days_employed', 'days_birth') }} as application_employed_to_age_ratio,
        -- [days] Age at which the present employment began.
        days_employed - days_birth as application_age_at_employment_days,
        -- [ratio] Days since the identity document was changed over age in days.
        {{ safe_ratio('days_id_publish', 'days_birth') }} as application_id_publish_to_age_ratio,
        -- [ratio] Days since the phone was changed over age in days.
        {{ safe_ratio('days_last_phone_change', 'days_birth') }} as application_phone_change_to_age_ratio,
        -- [ratio] Age of the car over age of the client.
        {{ safe_ratio('own_car_age * 365.25', '-days_birth') }} as application_car_age_to_age_ratio,
        -- [years] Age of the client when the loan would be paid off, with credit over annuity as the term.
        -days_birth / 365.25 + {{ safe_ratio('amt_credit', 'amt_annuity') }} / 12 as application_age_at_payoff_years,

        -- what was counted
        -- [count] Number of the twenty documents that were handed in.
        {% for number in document_numbers %}
        flag_document_{{ number }}{{ ' +' if not loop.last }}
        {% endfor %} as application_document_count,
        -- [count] How many of the six comparisons of permanent, contact and work address differ.
        {{ mismatch_flags | join(' + ') }} as application_address_mismatch_count,
        -- [count] How many of the fourteen average housing measures are unknown.
        housing_missing_count as application_housing_missing_count,
        -- [normalised 0..1] Mean of the average housing measures that are known.
        {{ safe_ratio('housing_total', (housing_measures | length) ~ ' - housing_missing_count') }}
            as application_housing_mean,
        -- [count] Enquiries to the credit bureau about the client within a year before the application.
        amt_req_credit_bureau_hour + amt_req_credit_bureau_day + amt_req_credit_bureau_week
        + amt_req_credit_bureau_mon + amt_req_credit_bureau_qrt + amt_req_credit_bureau_year
            as application_bureau_enquiry_count,
        -- [share 0..1] Share of the observed social circle that defaulted at 30 days past due.
        {{ safe_ratio('def_30_cnt_social_circle', 'obs_30_cnt_social_circle') }}
            as application_social_circle_default_share,
        -- [score 0..3] Sum of the external scores that are known; 0 when none is.
        ext_source_total as application_ext_source_sum,
        -- [score 0..1] Standard deviation of the three external scores; null unless all three are known.
        case
            when ext_source_count = 3
                then
                    sqrt(greatest(
                        (pow(ext_source_1, 2) + pow(ext_source_2, 2) + pow(ext_source_3, 2)) / 3
                        - pow((ext_source_1 + ext_source_2 + ext_source_3) / 3, 2), 0
                    ))
        end as application_ext_source_std,
        -- [ratio] Yearly interest 24 * interest / (credit * (term + 1)), the smallest of at least 8.5 % over terms of 6 to 60 payments.
        least(
            {% for term in terms %}
            {{ plausible_rate(term) }}{{ ',' if not loop.last }}
            {% endfor %}
        ) as application_interest_rate_plausible_min,
        -- [currency] Yearly income per adult of the family.
        {{ safe_ratio('amt_income_total', 'cnt_fam_members - cnt_children') }} as application_income_per_adult,
        -- [currency] Yearly income left after twelve annuities.
        amt_income_total - 12 * amt_annuity as application_income_after_annuities,
        -- [ratio] Age of the car over years in the present employment.
        {{ safe_ratio('own_car_age * 365.25', '-days_employed') }} as application_car_age_to_employed_ratio
    from counted

),

joined as (

    select *
    from features
    left join peers using (sk_id_curr)

)

select * from joined
