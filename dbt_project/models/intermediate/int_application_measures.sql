{{ config(materialized='view') }}

with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

previous as (

    select * from {{ ref('feat_previous_application') }}

),

measured as (

    select
        applications.sk_id_curr,
        applications.population,
        applications.name_education_type,
        coalesce(applications.occupation_type, 'unknown') as occupation_type,
        floor(-applications.days_birth / 365.25 / 10) as age_decade,
        -- credit over annuity in quarters of a payment, a proxy of product and term: finer groups of a few clients say less
        floor(4 * {{ safe_ratio('applications.amt_credit', 'applications.amt_annuity') }} + 0.5) as product_term,
        applications.amt_income_total,
        applications.amt_credit,
        applications.amt_annuity,
        applications.ext_source_2,
        applications.ext_source_3,
        applications.days_employed,
        {{ safe_ratio(
            'coalesce(applications.ext_source_1, 0) + coalesce(applications.ext_source_2, 0) + coalesce(applications.ext_source_3, 0)',
            'case when applications.ext_source_1 is null then 0 else 1 end'
            ~ ' + case when applications.ext_source_2 is null then 0 else 1 end'
            ~ ' + case when applications.ext_source_3 is null then 0 else 1 end'
        ) }} as ext_source_mean,
        previous.previous_approved_cnt_payment_mean as cnt_payment,
        previous.previous_approved_interest_rate_mean as interest_rate,
        previous.previous_refused_share as refused_share
    from applications
    left join previous
        on applications.sk_id_curr = previous.sk_id_curr

)

select * from measured
