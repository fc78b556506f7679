{# without, overall_only: what another feature says already. #}
{% set of_one_kind = [
    'amt_credit_mean', 'amt_credit_max', 'amt_credit_sum', 'amt_annuity_max', 'application_to_credit_ratio_min', 'credit_to_annuity_ratio_max',
    'cnt_payment_max', 'days_decision_mean', 'interest_share_max', 'interest_share_min', 'interest_rate_max',
] %}
{% set groups = [
    {'name': '', 'where': 'true', 'says': 'previous applications', 'without': ['interest_share_max', 'interest_share_min']},
    {'name': 'approved_', 'where': 'is_approved = 1', 'says': 'approved previous applications', 'without': [
        'application_to_credit_ratio_min', 'credit_to_annuity_ratio_max', 'cnt_payment_max', 'interest_share_max', 'interest_share_min',
    ]},
    {'name': 'refused_', 'where': 'is_refused = 1', 'amounts_only': true, 'says': 'refused previous applications', 'without': [
        'amt_credit_max', 'amt_credit_sum', 'amt_annuity_mean', 'amt_annuity_max', 'days_decision_mean',
    ]},
    {'name': 'running_', 'where': 'is_still_running = 1', 'amounts_only': true,
        'says': 'previous loans that are still being paid', 'without': [
            'amt_application_mean', 'amt_credit_max', 'amt_annuity_mean', 'amt_annuity_max', 'days_decision_mean',
        ]},
    {'name': 'cash_', 'where': "name_contract_type = 'Cash loans'", 'without': of_one_kind,
        'says': 'previous applications for a cash loan'},
    {'name': 'consumer_', 'where': "name_contract_type = 'Consumer loans'", 'without': of_one_kind,
        'says': 'previous applications for a consumer loan'},
    {'name': 'last_1_', 'where': 'recency_rank = 1', 'without': ['days_decision_mean', 'interest_share_mean'],
        'says': 'the last previous application'},
] %}
{% set measures = [
    {'sql': 'amt_application', 'unit': 'currency', 'aggregates': ['mean'], 'says': 'credit asked for'},
    {'sql': 'amt_credit', 'unit': 'currency', 'aggregates': ['mean', 'max', 'sum'], 'says': 'credit granted'},
    {'sql': 'amt_annuity', 'unit': 'currency', 'aggregates': ['mean', 'max'], 'says': 'annuity'},
    {'sql': 'application_to_credit_ratio', 'is_term': true, 'unit': 'ratio', 'aggregates': ['mean', 'min'],
        'says': 'credit asked for over credit granted'},
    {'sql': 'credit_to_annuity_ratio', 'is_term': true, 'unit': 'payments', 'aggregates': ['mean', 'max'],
        'says': 'credit over annuity'},
    {'sql': 'cnt_payment', 'is_term': true, 'unit': 'payments', 'aggregates': ['mean', 'max'], 'says': 'term (revolving loans have none)'},
    {'sql': 'days_decision', 'unit': 'days', 'aggregates': ['mean', 'max', 'min'], 'overall_only': ['min'],
        'says': 'day of decision relative to the application'},
    {'sql': 'interest_share', 'is_term': true, 'unit': 'ratio', 'aggregates': ['mean', 'max', 'min'],
        'says': 'total interest (payments minus credit) per credit of loans with a term'},
    {'sql': 'interest_rate', 'is_term': true, 'unit': 'ratio', 'aggregates': ['mean', 'max', 'min'],
        'says': 'yearly interest by the approximation 24 * interest / (credit * (term + 1)) of loans with a term'},
    {'sql': 'rate_down_payment', 'is_term': true, 'unit': 'share 0..1', 'aggregates': ['mean', 'max'],
        'overall_only': ['mean', 'max'],
        'says': 'rate of the down payment'},
] %}
{% set months = [6, 12, 24] %}
{% set last_applications = [1, 3, 5] %}
{% set reject_reasons = ['HC', 'SCO', 'SCOFR', 'LIMIT', 'CLIENT', 'VERIF', 'SYSTEM'] %}
{% set yield_groups = ['high', 'middle', 'low_normal', 'low_action'] %}
{% set latest = [
    ('product_combination', 'Detailed product'), ('code_reject_reason', 'Reason of the rejection'),
    ('name_yield_group', 'Group of interest'), ('name_goods_category', 'Category of goods'), ('channel_type', 'Channel'),
    ('name_client_type', 'Whether the client was new'), ('name_contract_status', 'Status'),
] %}

-- One row per application: earlier applications at Home Credit, approved or not.
with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

graded as (

    select * from {{ ref('int_previous_applications_graded') }}

),

by_client as (

    select
        sk_id_curr,
        -- [count] Previous applications that were cancelled.
        count(case when is_cancelled = 1 then 1 end) as previous_cancelled_count,
        -- [count] Previous applications for a revolving loan.
        count(case when name_contract_type = 'Revolving loans' then 1 end) as previous_revolving_count,
        -- [share 0..1] Approved among the previous applications.
        avg(is_approved) as previous_approved_share,
        -- [share 0..1] Refused among the previous applications.
        avg(is_refused) as previous_refused_share,
        -- [share 0..1] Cancelled among the previous applications.
        avg(is_cancelled) as previous_cancelled_share,
        {% for group in groups %}
        {% if group.name != 'last_1_' %}
        -- [count] Number of {{ group.says }}.
        {{ aggregate_where('count', '1', group.where) }} as previous_{{ group.name }}count,
        {% endif %}
        {% for measure in measures if not (group.amounts_only and measure.is_term) %}
        {% for aggregate in measure.aggregates
            if (group.name != 'last_1_' or aggregate == 'mean')
            and (not group.name or aggregate not in measure.get('overall_only', []))
            and measure.sql ~ '_' ~ aggregate not in group.get('without', []) %}
        {% set none_of_them = '; 0 when there is none' if aggregate == 'sum' and group.name else '' %}
        -- [{{ measure.unit }}] {{ aggregate_words(aggregate, {'unit': '', 'says': measure.says}) }}, over {{ group.says }}{{ none_of_them }}.
        {% if aggregate == 'sum' %}
        {{ sum_where(measure.sql, group.where, decimals_of(measure.unit)) }}
        {% else %}
        cast({{ aggregate_where(aggregate, measure.sql, group.where, decimals_of(measure.unit)) }} as double)
        {% endif %}
            as previous_{{ group.name }}{{ measure.sql }}_{{ aggregate }},
        {% endfor %}
        {% endfor %}
        {% endfor %}
        {% for month in months %}
        -- [count] Previous applications decided in the last {{ month }} months of 30 days.
        count(case when days_decision >= -30 * {{ month }} then 1 end) as previous_count_{{ month }}m,
        -- [count] Previous applications refused in the last {{ month }} months of 30 days.
        count(case when is_refused = 1 and days_decision >= -30 * {{ month }} then 1 end) as previous_refused_count_{{ month }}m,
        -- [count] Previous applications approved in the last {{ month }} months of 30 days.
        count(case when is_approved = 1 and days_decision >= -30 * {{ month }} then 1 end) as previous_approved_count_{{ month }}m,
        -- [currency] Credit granted in the last {{ month }} months of 30 days, summed over approved previous applications; 0 when there is none.
        {{ sum_where('amt_credit', 'is_approved = 1 and days_decision >= -30 * ' ~ month, 3) }}
            as previous_approved_amt_credit_sum_{{ month }}m,
        {% endfor %}
        {% for last in last_applications %}
        -- [share 0..1] Refused among the last {{ last }} previous applications.
        avg(case when recency_rank <= {{ last }} then is_refused end) as previous_refused_share_last_{{ last }},
        {% if last == 5 %}
        -- [share 0..1] Approved among the last {{ last }} previous applications.
        avg(case when recency_rank <= {{ last }} then is_approved end) as previous_approved_share_last_{{ last }},
        {% endif %}
        {% endfor %}
        {% for reason in reject_reasons %}
        -- [share 0..1] Previous applications rejected for reason {{ reason }}.
        avg(case when code_reject_reason = '{{ reason }}' then 1 else 0 end) as previous_reject_{{ reason | lower }}_share,
        {% endfor %}
        {% for group in yield_groups %}
        -- [share 0..1] Previous applications in the group of {{ group | replace('_', ' ') }} interest.
        avg(case when name_yield_group = '{{ group }}' then 1 else 0 end) as previous_{{ group }}_yield_share,
        {% endfor %}
        {% for column, says in latest %}
        -- [category] {{ says }} of the last previous application.
        max(case when recency_rank = 1 then {{ column }} end) as previous_{{ column }}_last,
        {% endfor %}
        -- [days] Mean of the first schedule's last due date minus the actual one: positive when loans were paid early.
        avg(days_paid_early) as previous_days_paid_early_mean,
        -- [days] Largest of the first schedule's last due date minus the actual one.
        max(days_paid_early) as previous_days_paid_early_max,
        -- [days] Latest last due date of a finished previous loan, relative to the application (may lie in the future).
        max(days_last_due) as previous_days_last_due_max,
        -- [days] Latest last due date of the first schedules, relative to the application (may lie in the future).
        max(days_last_due_1st_version) as previous_days_last_due_1st_version_max,
        -- [days] First day when a previous loan was due, relative to the application.
        min(days_first_due) as previous_days_first_due_min,
        -- [share 0..1] Previous applications insured at approval, among those that say.
        avg(nflag_insured_on_approval) as previous_insured_share,
        -- [area] Mean selling area of the seller's place.
        avg(sellerplace_area) as previous_sellerplace_area_mean,
        -- [hour 0..23] Mean hour of previous applications.
        avg(hour_appr_process_start) as previous_hour_mean,
        -- [currency] Annuities of Home Credit loans still running, summed; 0 when none is running.
        {{ sum_where('amt_annuity', 'is_still_running = 1', 3) }} as previous_running_annuity_sum,
        -- [currency] What is still to be paid on running loans: annuity times the months left; 0 when none is running.
        {{ sum_where('amt_annuity * months_left', 'is_still_running = 1', 3) }} as previous_running_future_payment_sum
    from graded
    group by sk_id_curr

),

against_application as (

    select
        applications.sk_id_curr,
        -- [flag] 1 when the client applied at Home Credit before, 0 when not.
        case when by_client.sk_id_curr is null then 0 else 1 end as has_previous_application,
        -- [ratio] Mean credit of approved previous applications over the credit now asked for.
        {{ safe_ratio('by_client.previous_approved_amt_credit_mean', 'applications.amt_credit') }}
            as previous_approved_credit_to_application_credit_ratio,
        -- [ratio] Largest annuity of approved previous applications over the annuity of this loan.
        {{ safe_ratio('by_client.previous_approved_amt_annuity_max', 'applications.amt_annuity') }}
            as previous_approved_annuity_to_application_annuity_ratio,
        -- [ratio] Mean annuity of approved previous applications over the annuity of this loan.
        {{ safe_ratio('by_client.previous_approved_amt_annuity_mean', 'applications.amt_annuity') }}
            as previous_approved_annuity_mean_to_application_annuity_ratio,
        -- [ratio] Annuities of Home Credit loans still running over yearly income.
        {{ safe_ratio('by_client.previous_running_annuity_sum', 'applications.amt_income_total') }}
            as previous_running_annuity_to_income_ratio,
        -- [ratio] What is still to be paid on running Home Credit loans over yearly income.
        {{ safe_ratio('by_client.previous_running_future_payment_sum', 'applications.amt_income_total') }}
            as previous_running_future_payment_to_income_ratio,
        -- [payments] Credit over annuity of this loan minus its mean over approved previous applications.
        {{ safe_ratio('applications.amt_credit', 'applications.amt_annuity') }}
        - by_client.previous_approved_credit_to_annuity_ratio_mean as previous_credit_to_annuity_difference,
        -- [ratio] Goods price of this loan over the mean credit asked for before.
        {{ safe_ratio('applications.amt_goods_price', 'by_client.previous_amt_application_mean') }}
            as previous_application_goods_price_to_amt_application_ratio
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
