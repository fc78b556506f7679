-- Who borrows for the first time, what do they ask for, and do they repay?
-- One row per kind of borrower, the riskiest first; labelled applications.
with

training_set as (

    select * from {{ ref('training_set') }}

),

grouped as (

    select
        *,
        case
            when has_bureau_history = 0 and coalesce(previous_approved_count, 0) = 0 then 'first-time borrower'
            when has_bureau_history = 0 then 'borrowed from Home Credit only'
            when coalesce(previous_approved_count, 0) = 0 then 'borrowed elsewhere only'
            else 'borrowed from both'
        end as borrower
    from training_set

),

profiles as (

    select
        borrower,
        count(*) as application_count,
        round({{ safe_ratio('count(*)', 'sum(count(*)) over ()') }}, 4) as application_share,
        {{ defaulter_count() }} as defaulter_count,
        round({{ default_rate() }}, 4) as default_rate,
        round({{ rate_standard_error() }}, 4) as default_rate_standard_error,
        round(avg(-days_birth / 365.25), 1) as age_mean,
        median(amt_income_total) as income_median,
        median(amt_credit) as credit_median,
        round(avg(application_annuity_to_income_ratio), 3) as annuity_to_income_ratio_mean,
        round(avg(application_ext_source_mean), 3) as external_score_mean
    from grouped
    group by borrower

)

select * from profiles
order by default_rate desc, borrower asc
