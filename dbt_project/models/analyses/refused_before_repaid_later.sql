-- Refused before, repaid later? How do clients repay whom Home Credit had turned down at least once?
-- One row per history of decisions; labelled applications. Everybody here was granted the present loan.
with

training_set as (

    select * from {{ ref('training_set') }}

),

judged as (

    select
        target,
        case
            when has_previous_application = 0 then 'never applied before'
            when previous_refused_count = 0 then 'never refused'
            when previous_refused_share_last_1 = 0 then 'refused before the last time'
            else 'refused the last time'
        end as earlier_decisions,
        case
            when previous_refused_count >= 3 then '3 or more'
            else cast(coalesce(previous_refused_count, 0) as string)
        end as refusals
    from training_set

),

repayment_rates as (

    select
        earlier_decisions,
        refusals,
        count(*) as application_count,
        count(*) filter (where target = 0) as repaid_count,
        round(avg(1 - target), 4) as repayment_rate,
        round({{ default_rate() }}, 4) as default_rate,
        round({{ rate_standard_error() }}, 4) as default_rate_standard_error
    from judged
    group by earlier_decisions, refusals

)

select * from repayment_rates
order by earlier_decisions, refusals
