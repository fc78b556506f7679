{# without: what another feature says already. #}
{% set groups = [
    {'name': '', 'where': 'true', 'says': 'bureau loans', 'label': 'loans elsewhere'},
    {'name': 'active_', 'where': 'is_active = 1', 'says': 'active bureau loans', 'label': 'active loans elsewhere'},
    {'name': 'closed_', 'where': 'is_closed = 1', 'says': 'closed bureau loans', 'label': 'closed loans elsewhere', 'without': [
        'credit_mean', 'credit_max', 'debt_sum', 'debt_to_credit_ratio_mean', 'debt_to_credit_ratio_max', 'days_credit_min',
        'days_credit_mean', 'days_credit_max', 'days_credit_enddate_mean', 'days_credit_enddate_max',
    ]},
    {'name': 'consumer_', 'where': "credit_type = 'Consumer credit'", 'says': 'consumer credits at the bureau', 'label': 'consumer credits elsewhere', 'without': [
        'credit_mean', 'credit_max', 'days_credit_min', 'days_credit_mean', 'days_credit_max', 'days_credit_enddate_mean',
        'days_credit_enddate_max', 'overdue_ever_max',
    ]},
    {'name': 'card_', 'where': "credit_type = 'Credit card'", 'says': 'credit cards at the bureau', 'label': 'credit cards elsewhere', 'without': [
        'credit_mean', 'days_credit_min', 'days_credit_enddate_mean', 'days_credit_enddate_max', 'overdue_ever_max',
    ]},
    {'name': 'car_', 'where': "credit_type = 'Car loan'", 'says': 'car loans at the bureau', 'label': 'car loans elsewhere', 'sums_only': ['credit']},
    {'name': 'mortgage_', 'where': "credit_type = 'Mortgage'", 'says': 'mortgages at the bureau', 'label': 'mortgages elsewhere', 'sums_only': ['credit']},
    {'name': 'microloan_', 'where': "credit_type = 'Microloan'", 'says': 'microloans at the bureau', 'label': 'microloans elsewhere', 'sums_only': ['credit']},
    {'name': '12m_', 'where': 'days_credit >= -360', 'says': 'bureau loans of the last 12 months of 30 days', 'label': 'loans elsewhere, last 12 months', 'counted': 'bureau_loan_count_12m', 'without': [
        'credit_sum', 'credit_mean', 'credit_max', 'debt_sum', 'days_credit_min', 'days_credit_enddate_mean',
        'days_credit_enddate_max', 'overdue_ever_max',
    ]},
] %}
{% set measures = [
    {'name': 'credit', 'sql': 'amt_credit_sum', 'unit': 'currency', 'aggregates': ['sum', 'mean', 'max'],
        'says': 'credit granted', 'label': 'credit', 'theme': 'bureau_history'},
    {'name': 'debt', 'sql': 'amt_credit_sum_debt', 'unit': 'currency', 'aggregates': ['sum'], 'says': 'present debt, negative when overpaid', 'label': 'debt', 'theme': 'debt'},
    {'name': 'debt_to_credit_ratio', 'sql': 'debt_to_credit_ratio', 'unit': 'ratio', 'aggregates': ['mean', 'max'],
        'says': 'present debt over credit granted, negative when overpaid', 'label': 'debt over credit', 'theme': 'debt'},
    {'name': 'days_credit', 'sql': 'days_credit', 'unit': 'days from application', 'aggregates': ['min', 'mean', 'max'],
        'says': 'day on which one was applied for', 'label': 'start date', 'theme': 'bureau_history'},
    {'name': 'days_credit_enddate', 'sql': 'days_credit_enddate', 'unit': 'days from application', 'aggregates': ['mean', 'max'],
        'says': 'contractual end, which may lie in the future', 'label': 'contractual end', 'theme': 'bureau_history'},
    {'name': 'overdue_ever', 'sql': 'amt_credit_max_overdue', 'unit': 'currency', 'aggregates': ['max'],
        'says': 'amount ever overdue', 'label': 'amount ever overdue', 'theme': 'bureau_lateness'},
] %}
{% set months = [6, 12, 24, 36] %}

-- One row per application: loans at other institutions as the credit bureau knows them, with their monthly history.
with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

loans as (

    select * from {{ ref('int_bureau_loans') }}

),

by_client as (

    select
        sk_id_curr,
        {% for group in groups %}
        {% if group.name != '12m_' %}
        -- [count | bureau_history] {{ group.label }}: Number of {{ group.says }}.
        {{ aggregate_where('count', '1', group.where) }} as bureau_{{ group.name }}loan_count,
        {% endif %}
        {% for measure in measures if measure.name in group.get('sums_only', [measure.name]) %}
        {% for aggregate in measure.aggregates
            if (not group.sums_only or aggregate == 'sum') and measure.name ~ '_' ~ aggregate not in group.get('without', []) %}
        {% set none_of_them = '; 0 when there is none' if aggregate == 'sum' and group.name else '' %}
        -- {{ measured(aggregate, measure, over=group.says, within=group.label, counted=group.get('counted', 'bureau_' ~ group.name ~ 'loan_count'), empty=none_of_them) }}
        {% if aggregate == 'sum' %}
        {{ sum_where(measure.sql, group.where, decimals_of(measure.unit)) }}
        {% else %}
        cast({{ aggregate_where(aggregate, measure.sql, group.where, decimals_of(measure.unit)) }} as double)
        {% endif %}
            as bureau_{{ group.name }}{{ measure.name }}_{{ aggregate }},
        {% endfor %}
        {% endfor %}
        {% endfor %}
        {% for month in months %}
        -- [count | bureau_history] new loans elsewhere, last {{ month }} months: Bureau loans applied for in the last {{ month }} months of 30 days.
        count(case when days_credit >= -30 * {{ month }} then 1 end) as bureau_loan_count_{{ month }}m,
        {% if month == 12 %}
        -- [currency | bureau_history | of bureau_loan_count_{{ month }}m] total credit, new loans elsewhere, last {{ month }} months: Total credit granted on bureau loans of the last {{ month }} months of 30 days; 0 when there is none.
        {{ sum_where('amt_credit_sum', 'days_credit >= -30 * ' ~ month, 3) }} as bureau_credit_sum_{{ month }}m,
        -- [currency | debt | of bureau_loan_count_{{ month }}m] total debt, new loans elsewhere, last {{ month }} months: Total present debt, negative when overpaid, on bureau loans of the last {{ month }} months of 30 days; 0 when there is none.
        {{ sum_where('amt_credit_sum_debt', 'days_credit >= -30 * ' ~ month, 3) }} as bureau_debt_sum_{{ month }}m,
        {% endif %}
        {% endfor %}
        -- [days from application | bureau_history | of bureau_closed_loan_count] last closing of a loan elsewhere: Date when the last bureau loan to be closed was closed.
        max(days_enddate_fact) as bureau_days_enddate_fact_max,
        -- [days | bureau_history | of bureau_closed_loan_count] mean time closed after plan, loans elsewhere: Mean of actual minus contractual end over bureau loans that have ended, negative when they were closed early.
        avg(closed_after_planned_days) as bureau_closed_after_planned_days_mean,
        -- [days | bureau_history | of bureau_closed_loan_count] longest time closed after plan, loans elsewhere: Largest of actual minus contractual end over bureau loans that have ended, negative when all were closed early.
        max(closed_after_planned_days) as bureau_closed_after_planned_days_max,
        -- [days | bureau_history | of bureau_loan_count] mean planned duration, loans elsewhere: Mean planned duration of bureau loans.
        avg(planned_days) as bureau_planned_days_mean,
        -- [days | bureau_history | of bureau_active_loan_count] mean planned duration, active loans elsewhere: Mean planned duration of active bureau loans.
        avg(case when is_active = 1 then planned_days end) as bureau_active_planned_days_mean,
        -- [days from application | bureau_history | of bureau_loan_count] mean date of the last news on loans elsewhere: Mean day of the last news on bureau loans.
        avg(days_credit_update) as bureau_days_credit_update_mean,
        -- [days from application | bureau_history | of bureau_loan_count] latest news on loans elsewhere: Latest day of news on bureau loans.
        max(days_credit_update) as bureau_days_credit_update_max,
        -- [days | bureau_history] mean time between loans elsewhere: Mean time between successive bureau loans; null when there are fewer than two.
        avg(days_since_loan_before) as bureau_days_between_loans_mean,
        -- [days | bureau_history] shortest time between loans elsewhere: Shortest time between successive bureau loans; null when there are fewer than two.
        min(days_since_loan_before) as bureau_days_between_loans_min,
        -- [currency | debt] total credit limit, loans elsewhere: Total of the credit limits that the bureau reports, nearly all of them of credit cards and a few negative; null when it reports none.
        {{ exact_sum('amt_credit_sum_limit', 3) }} as bureau_credit_limit_sum,
        -- [currency | debt | of bureau_active_loan_count] total monthly payment, active loans elsewhere: Total of the annuities of active bureau loans; 0 when none is active.
        {{ sum_where('amt_annuity', 'is_active = 1', 3) }} as bureau_active_annuity_sum,
        -- [currency | debt | of bureau_loan_count] largest monthly payment, loans elsewhere: Largest annuity of a bureau loan.
        max(amt_annuity) as bureau_annuity_max,
        -- [days | bureau_lateness | of bureau_loan_count] longest time past due today, loans elsewhere: Largest number of days past due on a bureau loan at the time of the application.
        max(credit_day_overdue) as bureau_days_overdue_max,
        -- [currency | bureau_lateness | of bureau_loan_count] total amount overdue today, loans elsewhere: Total amount overdue on bureau loans at the time of the application.
        {{ exact_sum('amt_credit_sum_overdue', 3) }} as bureau_overdue_sum,
        -- [count | bureau_lateness] loans elsewhere that were ever overdue: Number of bureau loans on which an amount was ever overdue.
        count(case when amt_credit_max_overdue > 0 then 1 end) as bureau_overdue_ever_loan_count,
        -- [currency | bureau_lateness | of bureau_loan_count] largest amount ever overdue, newest loan elsewhere: Largest amount ever overdue on the newest bureau loan.
        max(case when recency_rank = 1 then amt_credit_max_overdue end) as bureau_overdue_ever_last_loan,
        -- [ratio | bureau_lateness | of bureau_loan_count] largest amount ever overdue over credit, loans elsewhere: Largest amount ever overdue over credit granted among bureau loans.
        max(overdue_to_credit_ratio) as bureau_overdue_to_credit_ratio_max,
        -- [count | bureau_lateness] prolongations of loans elsewhere: How often bureau loans were prolonged.
        cast(sum(cnt_credit_prolong) as bigint) as bureau_prolongation_count,
        -- [currency | bureau_history | of bureau_loan_count] credit, newest loan elsewhere: Credit granted on the newest bureau loan.
        max(case when recency_rank = 1 then amt_credit_sum end) as bureau_credit_last_loan,
        -- [share 0..1 | bureau_history] share still running, last three loans elsewhere: Active loans among the three newest bureau loans.
        avg(case when recency_rank <= 3 then is_active end) as bureau_active_share_last_3_loans,

        -- [count | bureau_history] loans elsewhere with a monthly history: Number of bureau loans with a monthly history.
        count(observed_month_count) as bureau_balance_loan_count,
        -- [count | bureau_history] months observed on loans elsewhere: Months of history observed, summed over bureau loans; null when no monthly history is known.
        cast(sum(observed_month_count) as bigint) as bureau_balance_month_count,
        -- [share 0..1 | bureau_lateness | of bureau_balance_month_count] share of months past due, loans elsewhere: Months past due among all months observed on bureau loans.
        {{ safe_ratio('sum(late_month_count)', 'sum(observed_month_count)') }} as bureau_balance_late_month_share,
        -- [share 0..1 | bureau_history | of bureau_balance_month_count] share of months of unknown status, loans elsewhere: Months of unknown status among all months observed on bureau loans.
        {{ safe_ratio('sum(unknown_month_count)', 'sum(observed_month_count)') }} as bureau_balance_unknown_month_share,
        -- [share 0..1 | bureau_history | of bureau_balance_month_count] share of months after closing, loans elsewhere: Months after closing among all months observed on bureau loans.
        {{ safe_ratio('sum(closed_month_count)', 'sum(observed_month_count)') }} as bureau_balance_closed_month_share,
        {% for month in [6, 12, 24] %}
        -- [count | bureau_lateness] months past due, loans elsewhere, last {{ month }} months: Months past due among the last {{ month }} months, that of the application included, summed over bureau loans; null when no monthly history is known.
        cast(sum(late_month_count_{{ month }}m) as bigint) as bureau_balance_late_month_count_{{ month }}m,
        {% endfor %}
        -- [grade 0..5 | bureau_lateness] worst monthly status, loans elsewhere: Worst monthly status of a bureau loan; 0 never past due, 5 more than 120 days, sold or written off; null when no monthly history is known.
        max(severity_max) as bureau_balance_severity_max,
        -- [grade 0..5 | bureau_lateness] worst monthly status, loans elsewhere, last 12 months: Worst monthly status of a bureau loan among the last 12 months, that of the application included; null when no monthly history is known.
        max(severity_max_12m) as bureau_balance_severity_max_12m,
        -- [grade 0..5 | bureau_lateness] mean monthly status, loans elsewhere: Mean over bureau loans of their mean monthly status; null when no monthly history is known.
        {{ exact_mean('severity_mean', 6) }} as bureau_balance_severity_mean,
        -- [grade 0..5 | bureau_lateness] mean monthly status, loans elsewhere, last 12 months: Mean over bureau loans of their mean monthly status among the last 12 months, that of the application included; null when no monthly history is known.
        {{ exact_mean('severity_mean_12m', 6) }} as bureau_balance_severity_mean_12m,
        -- [grade per month | bureau_lateness | not a reason] trend of the monthly status, loans elsewhere: Mean over bureau loans of the least-squares slope of the monthly status, positive when it grows worse; null when no monthly history is known.
        {{ exact_mean('severity_slope', 6) }} as bureau_balance_severity_slope_mean,
        -- [months from application | bureau_lateness] last month past due, loans elsewhere: Most recent month past due on a bureau loan; null when never late.
        max(months_balance_late_last) as bureau_balance_months_late_last
    from loans
    group by sk_id_curr

),

-- from the table once more: a distinct count beside other aggregates makes DuckDB keep a copy of all rows
credit_types as (

    select distinct
        sk_id_curr,
        credit_type
    from {{ ref('int_bureau_loans') }}

),

credit_types_by_client as (

    select
        sk_id_curr,
        -- [count | bureau_history] types of credit elsewhere: Number of different types of credit among the bureau loans.
        count(credit_type) as bureau_credit_type_count
    from credit_types
    group by sk_id_curr

),

against_application as (

    select
        applications.sk_id_curr,
        -- [flag | bureau_history] loans elsewhere are on record / no loans elsewhere are on record: Whether the credit bureau knows a loan of the client.
        case when by_client.sk_id_curr is null then 0 else 1 end as has_bureau_history,
        -- [share 0..1 | bureau_history | of bureau_loan_count] share still running, loans elsewhere: Active loans among all loans of the credit bureau.
        {{ safe_ratio('by_client.bureau_active_loan_count', 'by_client.bureau_loan_count') }} as bureau_active_loan_share,
        -- [ratio | debt | of bureau_loan_count] total debt over total credit, loans elsewhere: Present debt over credit granted, both summed over all bureau loans, negative when overpaid.
        {{ safe_ratio('by_client.bureau_debt_sum', 'by_client.bureau_credit_sum') }} as bureau_debt_to_credit_ratio,
        -- [ratio | debt | of bureau_active_loan_count] total debt over total credit, active loans elsewhere: Present debt over credit granted, both summed over active bureau loans, negative when overpaid.
        {{ safe_ratio('by_client.bureau_active_debt_sum', 'by_client.bureau_active_credit_sum') }}
            as bureau_active_debt_to_credit_ratio,
        -- [ratio | debt | of bureau_card_loan_count] total debt over total credit, credit cards elsewhere: Present debt over credit granted, both summed over credit cards at the bureau, negative when overpaid.
        {{ safe_ratio('by_client.bureau_card_debt_sum', 'by_client.bureau_card_credit_sum') }}
            as bureau_card_debt_to_credit_ratio,
        -- [currency | debt | of bureau_active_loan_count] total credit minus total debt, active loans elsewhere: Credit granted minus present debt, summed over active bureau loans.
        by_client.bureau_active_credit_sum - by_client.bureau_active_debt_sum as bureau_active_credit_minus_debt,
        -- [ratio | debt | of bureau_loan_count] debt on loans elsewhere over yearly income: Present debt on bureau loans over yearly income, negative when overpaid.
        {{ safe_ratio('by_client.bureau_debt_sum', 'applications.amt_income_total') }} as bureau_debt_to_income_ratio,
        -- [ratio | bureau_history | of bureau_loan_count] credit of loans elsewhere over yearly income: Credit granted on bureau loans over yearly income.
        {{ safe_ratio('by_client.bureau_credit_sum', 'applications.amt_income_total') }} as bureau_credit_to_income_ratio,
        -- [ratio | debt | of bureau_loan_count] debt on loans elsewhere over the credit asked for: Present debt on bureau loans over the credit now asked for, negative when overpaid.
        {{ safe_ratio('by_client.bureau_debt_sum', 'applications.amt_credit') }} as bureau_debt_to_application_credit_ratio,
        -- [ratio | debt | of bureau_loan_count] debt on loans elsewhere over this monthly payment: Present debt on bureau loans over the annuity of this loan, negative when overpaid.
        {{ safe_ratio('by_client.bureau_debt_sum', 'applications.amt_annuity') }}
            as bureau_debt_to_application_annuity_ratio,
        -- [ratio | debt | of bureau_active_loan_count] monthly payments elsewhere over yearly income: Annuities of active bureau loans over yearly income.
        {{ safe_ratio('by_client.bureau_active_annuity_sum', 'applications.amt_income_total') }}
            as bureau_active_annuity_to_income_ratio
    from applications
    left join by_client
        on applications.sk_id_curr = by_client.sk_id_curr

),

features as (

    select *
    from against_application
    left join by_client using (sk_id_curr)
    left join credit_types_by_client using (sk_id_curr)

)

select * from features
