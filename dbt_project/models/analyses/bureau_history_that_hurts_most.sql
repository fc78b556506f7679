{% set histories = [
    {'says': 'no loan known to the bureau', 'has_it': 'has_bureau_history = 0', 'is_known': 'true'},
    {'says': 'a loan overdue today', 'has_it': 'bureau_overdue_sum > 0', 'is_known': 'has_bureau_history = 1'},
    {'says': 'a loan ever overdue', 'has_it': 'bureau_overdue_ever_loan_count > 0', 'is_known': 'has_bureau_history = 1'},
    {'says': 'a loan prolonged', 'has_it': 'bureau_prolongation_count > 0', 'is_known': 'has_bureau_history = 1'},
    {'says': 'a microloan', 'has_it': 'bureau_microloan_loan_count > 0', 'is_known': 'has_bureau_history = 1'},
    {'says': 'five active loans or more', 'has_it': 'bureau_active_loan_count >= 5', 'is_known': 'has_bureau_history = 1'},
    {'says': 'three new loans or more in 12 months', 'has_it': 'bureau_loan_count_12m >= 3',
        'is_known': 'has_bureau_history = 1'},
    {'says': 'first loan less than a year ago', 'has_it': 'bureau_days_credit_min > -365',
        'is_known': 'has_bureau_history = 1'},
    {'says': 'debt above the yearly income', 'has_it': 'bureau_debt_to_income_ratio > 1',
        'is_known': 'bureau_debt_to_income_ratio is not null'},
    {'says': 'debt above 80 % of active credit', 'has_it': 'bureau_active_debt_to_credit_ratio > 0.8',
        'is_known': 'bureau_active_debt_to_credit_ratio is not null'},
    {'says': 'a month past due in the last 12', 'has_it': 'bureau_balance_late_month_count_12m > 0',
        'is_known': 'bureau_balance_loan_count > 0'},
    {'says': 'more than 60 days past due, ever', 'has_it': 'bureau_balance_severity_max >= 3',
        'is_known': 'bureau_balance_severity_max is not null'},
] %}

-- Which history at the credit bureau hurts most: how much more often do clients with it default than those without it?
-- One row per history, the worst first; labelled applications. Histories overlap: a client may count in several rows.
with

training_set as (

    select * from {{ ref('training_set') }}

),

marked as (

    {% for history in histories %}
    select
        '{{ history.says }}' as bureau_history,
        target,
        case
            when {{ history.is_known }} and {{ history.has_it }} then 1
            when {{ history.is_known }} then 0
        end as has_it
    from training_set
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}

),

by_history as (

    select
        bureau_history,
        count(*) filter (where has_it = 1) as application_count,
        sum(target) filter (where has_it = 1) as defaulter_count,
        avg(target) filter (where has_it = 1) as default_rate,
        var_samp(target) filter (where has_it = 1) as default_variance,
        count(*) filter (where has_it = 0) as other_count,
        avg(target) filter (where has_it = 0) as other_default_rate,
        var_samp(target) filter (where has_it = 0) as other_default_variance,
        count(*) filter (where has_it is null) as unknown_count
    from marked
    group by bureau_history

),

compared as (

    select
        bureau_history,
        round(default_rate - other_default_rate, 4) as default_rate_difference,
        round(sqrt(
            {{ safe_ratio('nullif(default_variance, 0)', 'application_count') }}
            + {{ safe_ratio('nullif(other_default_variance, 0)', 'other_count') }}
        ), 4) as difference_standard_error,
        application_count,
        coalesce(defaulter_count, 0) as defaulter_count,
        round(default_rate, 4) as default_rate,
        other_count,
        round(other_default_rate, 4) as other_default_rate,
        unknown_count
    from by_history

)

select * from compared
order by default_rate_difference desc nulls last, bureau_history asc
