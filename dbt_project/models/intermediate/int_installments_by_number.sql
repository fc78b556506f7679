{{ config(materialized='view') }}

-- The payments are read where they are needed: as one relation read three times, DuckDB would keep its rows in memory.
with

-- loans that may have instalments paid in parts: only these need to be grouped, and most loans have none
loans_in_parts as (

    {{ keys_with_a_number_twice(ref('stg_home_credit__installments_payments'), 'sk_id_prev', 'num_instalment_number') }}

),

paid_at_once as (

    select
        sk_id_curr,
        sk_id_prev,
        num_instalment_version,
        num_instalment_number,
        days_instalment,
        days_entry_payment,
        amt_instalment,
        amt_payment,
        1 as payment_count
    from {{ ref('stg_home_credit__installments_payments') }}
    where sk_id_prev not in (select sk_id_prev from loans_in_parts)

),

-- each part of a payment repeats the amount owed
paid_in_parts as (

    select
        -- a loan has one client, as a test makes sure: one key less to group by
        max(sk_id_curr) as sk_id_curr,
        sk_id_prev,
        num_instalment_version,
        num_instalment_number,
        min(days_instalment) as days_instalment,
        max(days_entry_payment) as days_entry_payment,
        max(amt_instalment) as amt_instalment,
        {{ exact_sum('amt_payment', 3) }} as amt_payment,
        count(*) as payment_count
    from {{ ref('stg_home_credit__installments_payments') }}
    where sk_id_prev in (select sk_id_prev from loans_in_parts)
    group by
        sk_id_prev,
        num_instalment_version,
        num_instalment_number

),

by_number as (

    select * from paid_at_once
    union all
    select * from paid_in_parts

),

-- one client's rows side by side: what is aggregated by client takes half the time, for a second of sorting
sorted as (

    select * from by_number
    order by sk_id_curr

),

compared as (

    select
        *,
        case
            when days_entry_payment > days_instalment then days_entry_payment - days_instalment
            when days_entry_payment is not null then 0
        end as days_past_due,
        case
            when days_entry_payment < days_instalment then days_instalment - days_entry_payment
            when days_entry_payment is not null then 0
        end as days_before_due,
        case
            when amt_payment < amt_instalment then amt_instalment - amt_payment
            when amt_payment is not null then 0
        end as amt_shortfall,
        case when amt_payment is null then 1 else 0 end as is_missed
    from sorted

)

select * from compared
