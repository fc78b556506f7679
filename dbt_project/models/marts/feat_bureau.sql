{% set months = [12, 24] %}

with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

bureau as (

    select * from {{ ref('stg_home_credit__bureau') }}

),

bureau_balance_by_loan as (

    select * from {{ ref('int_bureau_balance_by_loan') }}

),

loans as (

    select
        bureau.*,
        bureau_balance_by_loan.observed_month_count,
        bureau_balance_by_loan.late_month_count,
        bureau_balance_by_loan.late_month_count_12m,
        bureau_balance_by_loan.severity_max,
        bureau_balance_by_loan.severity_max_12m,
        bureau_balance_by_loan.months_balance_late_last,
        case when bureau.credit_active = 'Active' then 1 else 0 end as is_active,
        case when bureau.credit_active = 'Closed' then 1 else 0 end as is_closed,
        {{ safe_ratio('bureau.amt_credit_sum_debt', 'bureau.amt_credit_sum') }} as debt_to_credit_ratio
    from bureau
    left join bureau_balance_by_loan
        on bureau.sk_id_bureau = bureau_balance_by_loan.sk_id_bureau

),

by_client as (

    select
        sk_id_curr,
        count(*) as bureau_loan_count,
        count(*) filter (where is_active = 1) as bureau_active_loan_count,
        count(*) filter (where is_closed = 1) as bureau_closed_loan_count,
        count(distinct credit_type) as bureau_credit_type_count,
        count(*) filter (where credit_type = 'Credit card') as bureau_card_count,
        count(*) filter (where credit_type = 'Microloan') as bureau_microloan_count,
        count(*) filter (where credit_type = 'Mortgage') as bureau_mortgage_count,
        {% for month in months %}
        count(*) filter (where days_credit >= -30 * {{ month }}) as bureau_loan_count_{{ month }}m,
        {% endfor %}

        min(days_credit) as bureau_days_credit_min,
        avg(days_credit) as bureau_days_credit_mean,
        max(days_credit) as bureau_days_credit_max,
        max(days_credit) filter (where is_active = 1) as bureau_active_days_credit_max,
        avg(days_credit) filter (where is_active = 1) as bureau_active_days_credit_mean,
        max(days_credit_enddate) as bureau_days_credit_enddate_max,
        avg(days_credit_enddate) filter (where is_active = 1) as bureau_active_days_credit_enddate_mean,
        max(days_enddate_fact) as bureau_days_enddate_fact_max,
        avg(days_enddate_fact - days_credit_enddate) as bureau_closed_after_planned_days_mean,
        avg(days_credit_update) as bureau_days_credit_update_mean,

        sum(amt_credit_sum) as bureau_credit_sum,
        avg(amt_credit_sum) as bureau_credit_mean,
        max(amt_credit_sum) as bureau_credit_max,
        sum(amt_credit_sum) filter (where is_active = 1) as bureau_active_credit_sum,
        sum(amt_credit_sum_debt) as bureau_debt_sum,
        max(amt_credit_sum_debt) as bureau_debt_max,
        sum(amt_credit_sum_debt) filter (where is_active = 1) as bureau_active_debt_sum,
        avg(debt_to_credit_ratio) as bureau_debt_to_credit_ratio_mean,
        max(debt_to_credit_ratio) as bureau_debt_to_credit_ratio_max,
        sum(amt_credit_sum_limit) as bureau_credit_limit_sum,
        sum(amt_annuity) filter (where is_active = 1) as bureau_active_annuity_sum,

        max(credit_day_overdue) as bureau_days_overdue_max,
        sum(amt_credit_sum_overdue) as bureau_overdue_sum,
        max(amt_credit_max_overdue) as bureau_overdue_ever_max,
        avg(amt_credit_max_overdue) as bureau_overdue_ever_mean,
        count(*) filter (where amt_credit_max_overdue > 0) as bureau_overdue_ever_loan_count,
        cast(sum(cnt_credit_prolong) as bigint) as bureau_prolongation_count,

        count(observed_month_count) as bureau_balance_loan_count,
        cast(sum(observed_month_count) as bigint) as bureau_balance_month_count,
        {{ safe_ratio('sum(late_month_count)', 'sum(observed_month_count)') }} as bureau_balance_late_month_share,
        cast(sum(late_month_count_12m) as bigint) as bureau_balance_late_month_count_12m,
        max(severity_max) as bureau_balance_severity_max,
        max(severity_max_12m) as bureau_balance_severity_max_12m,
        max(months_balance_late_last) as bureau_balance_months_late_last
    from loans
    group by sk_id_curr

),

against_application as (

    select
        applications.sk_id_curr,
        case when by_client.sk_id_curr is null then 0 else 1 end as has_bureau_history,
        {{ safe_ratio('by_client.bureau_active_loan_count', 'by_client.bureau_loan_count') }}
            as bureau_active_loan_share,
        {{ safe_ratio('by_client.bureau_debt_sum', 'by_client.bureau_credit_sum') }} as bureau_debt_to_credit_ratio,
        {{ safe_ratio('by_client.bureau_debt_sum', 'applications.amt_income_total') }} as bureau_debt_to_income_ratio,
        {{ safe_ratio('by_client.bureau_credit_sum', 'applications.amt_income_total') }}
            as bureau_credit_to_income_ratio,
        {{ safe_ratio('by_client.bureau_debt_sum', 'applications.amt_credit') }}
            as bureau_debt_to_application_credit_ratio
    from applications
    left join by_client
        on applications.sk_id_curr = by_client.sk_id_curr

),

features as (

    select *
    from against_application
    left join by_client using (sk_id_curr)

)

select * from features
