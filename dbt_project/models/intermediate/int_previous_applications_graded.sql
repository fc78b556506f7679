{{ config(materialized='view') }}

with

previous_application as (

    select * from {{ ref('stg_home_credit__previous_application') }}

),

graded as (

    select
        *,
        case when name_contract_status = 'Approved' then 1 else 0 end as is_approved,
        case when name_contract_status = 'Refused' then 1 else 0 end as is_refused,
        case when name_contract_status = 'Canceled' then 1 else 0 end as is_cancelled,
        {{ safe_ratio('amt_application', 'amt_credit') }} as application_to_credit_ratio,
        {{ safe_ratio('amt_credit', 'amt_annuity') }} as credit_to_annuity_ratio,
        {{ safe_ratio('cnt_payment * amt_annuity - amt_credit', 'amt_credit') }} as interest_share,
        {{ safe_ratio('24 * (cnt_payment * amt_annuity - amt_credit)', 'amt_credit * (cnt_payment + 1)') }}
            as interest_rate,
        days_last_due_1st_version - days_last_due as days_paid_early,
        case
            when is_still_running = 1 and days_last_due_1st_version is not null
                then greatest(0, {{ safe_ratio('days_last_due_1st_version', '30.0') }})
        end as months_left,
        -- of several on one day, the one marked as the last of the day, then the latest by the hour
        row_number() over (
            partition by sk_id_curr
            order by days_decision desc, nflag_last_appl_in_day desc, hour_appr_process_start desc, sk_id_prev desc
        ) as recency_rank
    from previous_application

)

select * from graded
