{{ config(materialized='view') }}
{% set amounts = [
    'amt_credit_max_overdue', 'amt_credit_sum', 'amt_credit_sum_debt', 'amt_credit_sum_limit', 'amt_credit_sum_overdue', 'amt_annuity',
] %}

with

-- amounts of the 36 loans in another currency than the others' are unknown: there is no rate of exchange
bureau as (

    select
        sk_id_curr,
        sk_id_bureau,
        credit_active,
        credit_currency,
        days_credit,
        credit_day_overdue,
        days_credit_enddate,
        days_enddate_fact,
        cnt_credit_prolong,
        credit_type,
        {% for amount in amounts %}
        case when credit_currency = 'currency 1' then {{ amount }} end as {{ amount }},
        {% endfor %}
        days_credit_update
    from {{ ref('stg_home_credit__bureau') }}

),

bureau_balance_by_loan as (

    select * from {{ ref('int_bureau_balance_by_loan') }}

),

joined as (

    select
        bureau.*,
        bureau_balance_by_loan.observed_month_count,
        bureau_balance_by_loan.late_month_count,
        bureau_balance_by_loan.unknown_month_count,
        bureau_balance_by_loan.closed_month_count,
        bureau_balance_by_loan.late_month_count_6m,
        bureau_balance_by_loan.late_month_count_12m,
        bureau_balance_by_loan.late_month_count_24m,
        bureau_balance_by_loan.severity_mean,
        bureau_balance_by_loan.severity_mean_12m,
        bureau_balance_by_loan.severity_max,
        bureau_balance_by_loan.severity_max_12m,
        bureau_balance_by_loan.severity_slope,
        bureau_balance_by_loan.months_balance_late_last,
        case when bureau.credit_active = 'Active' then 1 else 0 end as is_active,
        case when bureau.credit_active = 'Closed' then 1 else 0 end as is_closed,
        {{ safe_ratio('bureau.amt_credit_sum_debt', 'bureau.amt_credit_sum') }} as debt_to_credit_ratio,
        {{ safe_ratio('bureau.amt_credit_max_overdue', 'bureau.amt_credit_sum') }} as overdue_to_credit_ratio,
        bureau.days_credit_enddate - bureau.days_credit as planned_days,
        bureau.days_enddate_fact - bureau.days_credit_enddate as closed_after_planned_days,
        -- in the order of the rank below, so that the rows are sorted once: the loan before is the next one
        bureau.days_credit - lead(bureau.days_credit) over (
            partition by bureau.sk_id_curr order by bureau.days_credit desc, bureau.sk_id_bureau desc
        ) as days_since_loan_before,
        row_number() over (
            partition by bureau.sk_id_curr order by bureau.days_credit desc, bureau.sk_id_bureau desc
        ) as recency_rank
    from bureau
    left join bureau_balance_by_loan
        on bureau.sk_id_bureau = bureau_balance_by_loan.sk_id_bureau

)

select * from joined
