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
        -- [{{ 'days from application' if measure.name == 'days_employed' else 'score 0..1' }} | {{ 'employment' if measure.name == 'days_employed' else 'external_scores' }} | not a reason] {{ measure.label }}, mean of similar loans: Mean of {{ measure.says }} among labelled clients with the same credit over annuity, to a quarter of a payment.
        product_term_{{ measure.name }}_mean as application_product_term_{{ measure.name }}_mean,
        -- [{{ 'days' if measure.name == 'days_employed' else 'score -1..1' }} | {{ 'employment' if measure.name == 'days_employed' else 'external_scores' }} | not a reason] {{ measure.label }}, against similar loans: Difference of {{ measure.says }} from its mean among labelled clients with the same credit over annuity, to a quarter of a payment.
        product_term_{{ measure.name }}_difference as application_product_term_{{ measure.name }}_difference,
        {% endfor %}
        {% for measure in demography_measures() %}
        -- [standard deviations | {{ measure.theme }} | made of age] {{ measure.label }} against clients of like age and work: How far the {{ measure.says }} lies from labelled clients of the same education, occupation and decade of age.
        demography_{{ measure.name }}_standard_score as application_demography_{{ measure.name }}_standard_score,
        {% endfor %}
        -- [count | loan | not a reason] clients with a similar loan: Labelled clients with the same credit over annuity, to a quarter of a payment, a proxy of product and term.
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
        -- [category | loan] type of loan: Type of the loan asked for, cash or revolving.
        name_contract_type,
        -- [category | gender] gender: Gender of the client; null when the release does not say.
        code_gender,
        -- [flag | property] owns a car / owns no car: Whether the client owns a car.
        flag_own_car,
        -- [flag | property] owns a house or flat / owns no house or flat: Whether the client owns a house or flat.
        flag_own_realty,
        -- [count | family] children: Number of children of the client.
        cnt_children,
        -- [currency | affordability] yearly income: Yearly income of the client.
        amt_income_total,
        -- [currency | loan] credit asked for: Amount of the credit asked for.
        amt_credit,
        -- [currency | loan] monthly payment of this loan: Annuity of the loan asked for, which is paid every month.
        amt_annuity,
        -- [currency | loan] price of the goods: Price of the goods that the loan is for.
        amt_goods_price,
        -- [category | family] who came along to apply: Who accompanied the client to apply for the loan, such as the spouse or children.
        name_type_suite,
        -- [category | employment] kind of income: Kind of income of the client, such as working, pensioner or maternity leave.
        name_income_type,
        -- [category | employment] education: Highest level of education of the client.
        name_education_type,
        -- [category | family] family status: Family status of the client; null when the release does not say.
        name_family_status,
        -- [category | property] housing: How the client lives, such as in a rented flat or with the parents.
        name_housing_type,
        -- [normalised 0..1 | region] population of the region, normalised: Population of the region where the client lives, larger in more populated regions.
        region_population_relative,
        -- [days from application | age] date of birth: Date of birth of the client.
        days_birth,
        -- [days from application | employment] start of the present employment: Start of the present employment; null when not employed.
        days_employed,
        -- [days from application | identity] last change of the registration: Last change of the client's registration.
        days_registration,
        -- [days from application | identity] last change of the identity document: Last change of the identity document that the client applied with.
        days_id_publish,
        -- [years | property] age of the car: Age of the car that the client owns; null when there is none.
        own_car_age,
        -- [flag | employment] gave an employer's phone / gave no employer's phone: Whether the client gave the phone number of an employer.
        flag_emp_phone,
        -- [flag | identity] gave a work phone / gave no work phone: Whether the client gave a work phone, which the release describes as a home phone.
        flag_work_phone,
        -- [flag | identity] gave a home phone / gave no home phone: Whether the client gave a home phone.
        flag_phone,
        -- [flag | identity] gave an e-mail address / gave no e-mail address: Whether the client gave an e-mail address.
        flag_email,
        -- [category | employment] occupation: Occupation of the client.
        occupation_type,
        -- [count | family] family members: Number of family members of the client.
        cnt_fam_members,
        -- [grade 1..3 | region] rating of the region, 1 to 3: Home Credit's rating of the region where the client lives.
        region_rating_client,
        -- [grade 1..3 | region] rating of the region and city, 1 to 3: Home Credit's rating of the region where the client lives, taking the city into account.
        region_rating_client_w_city,
        -- [category | circumstances] day of the week of the application: Day of the week when the client applied for the loan.
        weekday_appr_process_start,
        -- [hour 0..23 | circumstances] hour of the application: Approximate hour of the day when the client applied for the loan.
        hour_appr_process_start,
        -- [flag | region] permanent and contact address lie in different regions / permanent and contact address lie in the same region: Whether permanent and contact address lie in different regions.
        reg_region_not_live_region,
        -- [flag | region] permanent and work address lie in different regions / permanent and work address lie in the same region: Whether permanent and work address lie in different regions.
        reg_region_not_work_region,
        -- [flag | region] contact and work address lie in different regions / contact and work address lie in the same region: Whether contact and work address lie in different regions.
        live_region_not_work_region,
        -- [flag | region] permanent and contact address lie in different cities / permanent and contact address lie in the same city: Whether permanent and contact address lie in different cities.
        reg_city_not_live_city,
        -- [flag | region] permanent and work address lie in different cities / permanent and work address lie in the same city: Whether permanent and work address lie in different cities.
        reg_city_not_work_city,
        -- [flag | region] contact and work address lie in different cities / contact and work address lie in the same city: Whether contact and work address lie in different cities.
        live_city_not_work_city,
        -- [category | employment] type of employer: Type of organisation that the client works for; null when the release does not say.
        organization_type,
        -- [normalised 0..1 | property] size of the flats in the building: Average size of the flats in the building where the client lives, normalised.
        apartments_avg,
        -- [normalised 0..1 | property] basement area of the building: Average basement area of the building where the client lives, normalised.
        basementarea_avg,
        -- [normalised 0..1 | property] first use of the building: Average year in which the building where the client lives was first used, normalised.
        years_beginexpluatation_avg,
        -- [normalised 0..1 | property] construction year of the building: Average year in which the building where the client lives was built, normalised.
        years_build_avg,
        -- [normalised 0..1 | property] common area of the building: Average common area of the building where the client lives, normalised.
        commonarea_avg,
        -- [normalised 0..1 | property] lifts in the building: Average number of lifts in the building where the client lives, normalised.
        elevators_avg,
        -- [normalised 0..1 | property] entrances of the building: Average number of entrances of the building where the client lives, normalised.
        entrances_avg,
        -- [normalised 0..1 | property] highest number of floors of the building: Average of the highest number of floors of the building where the client lives, normalised.
        floorsmax_avg,
        -- [normalised 0..1 | property] lowest number of floors of the building: Average of the lowest number of floors of the building where the client lives, normalised.
        floorsmin_avg,
        -- [normalised 0..1 | property] land area of the building: Average land area of the building where the client lives, normalised.
        landarea_avg,
        -- [normalised 0..1 | property] size of the residential flats in the building: Average size of the residential flats in the building where the client lives, normalised.
        livingapartments_avg,
        -- [normalised 0..1 | property] living area of the building: Average living area of the building where the client lives, normalised.
        livingarea_avg,
        -- [normalised 0..1 | property] size of the other flats in the building: Average size of the flats in the client's building that are not lived in, normalised.
        nonlivingapartments_avg,
        -- [normalised 0..1 | property] non-living area of the building: Average non-living area of the building where the client lives, normalised.
        nonlivingarea_avg,
        -- [category | property] account for major repairs of the building: Most frequent account from which major repairs of the client's building are paid.
        fondkapremont_mode,
        -- [category | property] type of building: Most frequent type of the building where the client lives.
        housetype_mode,
        -- [normalised 0..1 | property] total area of the building: Most frequent total area of the building where the client lives, normalised.
        totalarea_mode,
        -- [category | property] walls of the building: Most frequent material of the walls of the building where the client lives.
        wallsmaterial_mode,
        -- [flag | property] lives in a building in an emergency state / lives in a building that is in no emergency state: Whether the building where the client lives is in an emergency state; null when the release does not say.
        emergencystate_mode,
        -- [count | social_circle] acquaintances observed for 30 days past due: Acquaintances of the client whose payments were observed, at 30 days past due.
        obs_30_cnt_social_circle,
        -- [count | social_circle] acquaintances in default at 30 days past due: Acquaintances of the client who were in default at 30 days past due.
        def_30_cnt_social_circle,
        -- [count | social_circle] acquaintances observed for 60 days past due: Acquaintances of the client whose payments were observed, at 60 days past due.
        obs_60_cnt_social_circle,
        -- [count | social_circle] acquaintances in default at 60 days past due: Acquaintances of the client who were in default at 60 days past due.
        def_60_cnt_social_circle,
        -- [days from application | identity] last change of the phone: Last change of the client's phone; null when unknown, which is 0 in the release.
        days_last_phone_change,
        -- [flag | identity] handed in document 3 / did not hand in document 3: Whether the client handed in document 3.
        flag_document_3,
        -- [flag | identity] handed in document 6 / did not hand in document 6: Whether the client handed in document 6.
        flag_document_6,
        -- [flag | identity] handed in document 8 / did not hand in document 8: Whether the client handed in document 8.
        flag_document_8,
        -- [count | enquiries] enquiries to the credit bureau, last hour: Enquiries to the credit bureau about the client in the hour before the application.
        amt_req_credit_bureau_hour,
        -- [count | enquiries] enquiries to the credit bureau, last day: Enquiries to the credit bureau about the client in the day before the application, without the last hour.
        amt_req_credit_bureau_day,
        -- [count | enquiries] enquiries to the credit bureau, last week: Enquiries to the credit bureau about the client in the week before the application, without the last day.
        amt_req_credit_bureau_week,
        -- [count | enquiries] enquiries to the credit bureau, last month: Enquiries to the credit bureau about the client in the month before the application, without the last week.
        amt_req_credit_bureau_mon,
        -- [count | enquiries] enquiries to the credit bureau, two to three months ago: Enquiries to the credit bureau about the client in the three months before the application, without the last month.
        amt_req_credit_bureau_qrt,
        -- [count | enquiries] enquiries to the credit bureau, 4 to 12 months ago: Enquiries to the credit bureau about the client in the year before the application, without the last three months.
        amt_req_credit_bureau_year,

        -- external scores
        -- [score 0..1 | external_scores] external score 1: First score from an external source, higher is safer.
        ext_source_1,
        -- [score 0..1 | external_scores] external score 2: Second score from an external source, higher is safer.
        ext_source_2,
        -- [score 0..1 | external_scores] external score 3: Third score from an external source, higher is safer.
        ext_source_3,
        -- [count | external_scores] known external scores: Number of the three external scores that are known.
        ext_source_count as application_ext_source_count,
        -- [score 0..1 | external_scores] mean of the external scores: Mean of the external scores that are known.
        {{ safe_ratio('ext_source_total', 'ext_source_count') }} as application_ext_source_mean,
        -- [score 0..1 | external_scores] lowest external score: Lowest of the external scores that are known.
        ext_source_min as application_ext_source_min,
        -- [score 0..1 | external_scores] highest external score: Highest of the external scores that are known.
        ext_source_max as application_ext_source_max,
        -- [score 0..1 | external_scores] median of the external scores: Median of the external scores that are known.
        case
            when ext_source_count = 3 then ext_source_total - ext_source_min - ext_source_max
            else {{ safe_ratio('ext_source_total', 'ext_source_count') }}
        end as application_ext_source_median,
        -- [score 0..1 | external_scores | not a reason] product of the three external scores: Product of the three external scores; null unless all three are known.
        ext_source_1 * ext_source_2 * ext_source_3 as application_ext_source_product,
        -- [score 0..1 | external_scores | not a reason] product of external scores 2 and 3: Product of the second and the third external score; null unless both are known.
        ext_source_2 * ext_source_3 as application_ext_source_2_3_product,

        -- the loan against its terms and the client's means
        -- [payments | loan] credit over monthly payment, a proxy of the term: Credit over annuity, a proxy of the number of monthly payments.
        {{ safe_ratio('amt_credit', 'amt_annuity') }} as application_credit_to_annuity_ratio,
        -- [ratio | loan] credit over the price of the goods: Credit over the price of the goods, above 1 when fees and insurance are financed too.
        {{ safe_ratio('amt_credit', 'amt_goods_price') }} as application_credit_to_goods_price_ratio,
        -- [currency | loan] credit beyond the price of the goods: Credit minus the price of the goods.
        amt_credit - amt_goods_price as application_credit_minus_goods_price,
        -- [ratio | affordability] monthly payment over yearly income: Annuity, which is paid every month, over yearly income.
        {{ safe_ratio('amt_annuity', 'amt_income_total') }} as application_annuity_to_income_ratio,
        -- [ratio | affordability] credit over yearly income: Credit asked for over yearly income.
        {{ safe_ratio('amt_credit', 'amt_income_total') }} as application_credit_to_income_ratio,
        -- [currency | affordability | made of family] yearly income per family member: Yearly income per family member.
        {{ safe_ratio('amt_income_total', 'cnt_fam_members') }} as application_income_per_family_member,

        -- the client's times against each other
        -- [flag | employment] has no employment on record / has an employment on record: Whether the release gives no start of employment, which is so mostly for pensioners.
        case when days_employed is null then 1 else 0 end as application_is_not_employed,
        -- [ratio | employment | made of age] time in employment over age: Time in the present employment over the client's age.
        {{ safe_ratio('days_employed', 'days_birth') }} as application_employed_to_age_ratio,
        -- [days | age] age at the start of the employment: Age at which the present employment began; null when not employed.
        days_employed - days_birth as application_age_at_employment_days,
        -- [ratio | identity | made of age] time with the identity document over age: Time since the identity document was changed over the client's age.
        {{ safe_ratio('days_id_publish', 'days_birth') }} as application_id_publish_to_age_ratio,
        -- [ratio | identity | made of age] time with the phone over age: Time since the phone was changed over the client's age.
        {{ safe_ratio('days_last_phone_change', 'days_birth') }} as application_phone_change_to_age_ratio,
        -- [ratio | property | made of age] age of the car over age of the client: Age of the car over age of the client; null when there is no car.
        {{ safe_ratio('own_car_age * 365.25', '-days_birth') }} as application_car_age_to_age_ratio,
        -- [years | age] age when the loan is paid off: Age of the client when the loan would be paid off, with credit over annuity as the term.
        -days_birth / 365.25 + {{ safe_ratio('amt_credit', 'amt_annuity') }} / 12 as application_age_at_payoff_years,

        -- what was counted
        -- [count | identity] documents handed in: Number of the twenty documents that were handed in.
        {% for number in document_numbers %}
        flag_document_{{ number }}{{ ' +' if not loop.last }}
        {% endfor %} as application_document_count,
        -- [count | region] differences between addresses: How many of the six comparisons of permanent, contact and work address differ.
        {{ mismatch_flags | join(' + ') }} as application_address_mismatch_count,
        -- [count | property] unknown measures of the building: How many of the fourteen average housing measures are unknown.
        housing_missing_count as application_housing_missing_count,
        -- [normalised 0..1 | property] mean of the measures of the building: Mean of the average housing measures that are known.
        {{ safe_ratio('housing_total', (housing_measures | length) ~ ' - housing_missing_count') }}
            as application_housing_mean,
        -- [count | enquiries] enquiries to the credit bureau, last year: Enquiries to the credit bureau about the client within a year before the application.
        amt_req_credit_bureau_hour + amt_req_credit_bureau_day + amt_req_credit_bureau_week
        + amt_req_credit_bureau_mon + amt_req_credit_bureau_qrt + amt_req_credit_bureau_year
            as application_bureau_enquiry_count,
        -- [share 0..1 | social_circle | of obs_30_cnt_social_circle] share of acquaintances in default: Acquaintances who were in default at 30 days past due among those observed.
        {{ safe_ratio('def_30_cnt_social_circle', 'obs_30_cnt_social_circle') }}
            as application_social_circle_default_share,
        -- [score 0..3 | external_scores | not a reason] sum of the external scores: Sum of the external scores that are known, 0 when none is; never null.
        ext_source_total as application_ext_source_sum,
        -- [score 0..1 | external_scores | not a reason] variation in the external scores: Standard deviation of the three external scores; null unless all three are known.
        case
            when ext_source_count = 3
                then
                    sqrt(greatest(
                        (pow(ext_source_1, 2) + pow(ext_source_2, 2) + pow(ext_source_3, 2)) / 3
                        - pow((ext_source_1 + ext_source_2 + ext_source_3) / 3, 2), 0
                    ))
        end as application_ext_source_std,
        -- [ratio | loan] lowest plausible yearly interest rate of this loan: Lowest yearly interest rate of at least 8.5 % that this loan would have over terms of 6 to 60 payments.
        least(
            {% for term in terms %}
            {{ plausible_rate(term) }}{{ ',' if not loop.last }}
            {% endfor %}
        ) as application_interest_rate_plausible_min,
        -- [currency | affordability | made of family] yearly income per adult: Yearly income per adult of the family.
        {{ safe_ratio('amt_income_total', 'cnt_fam_members - cnt_children') }} as application_income_per_adult,
        -- [currency | affordability] yearly income left after twelve monthly payments: Yearly income left after twelve annuities of this loan, negative when they are more.
        amt_income_total - 12 * amt_annuity as application_income_after_annuities,
        -- [ratio | property | not a reason] age of the car over time in employment: Age of the car over time in the present employment.
        {{ safe_ratio('own_car_age * 365.25', '-days_employed') }} as application_car_age_to_employed_ratio
    from counted

),

joined as (

    select *
    from features
    left join peers using (sk_id_curr)

)

select * from joined
