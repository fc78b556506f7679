{# without, overall_only: what another feature says already. #}
{% set of_one_kind = [
    'amt_credit_mean', 'amt_credit_max', 'amt_credit_sum', 'amt_annuity_max', 'application_to_credit_ratio_min', 'credit_to_annuity_ratio_max',
    'cnt_payment_max', 'days_decision_mean', 'interest_share_max', 'interest_share_min', 'interest_rate_max',
] %}
{% set groups = [
    {'name': '', 'where': 'true', 'says': 'previous applications', 'label': 'previous applications', 'theme': 'decisions', 'without': ['interest_share_max', 'interest_share_min']},
    {'name': 'approved_', 'where': 'is_approved = 1', 'says': 'approved previous applications', 'label': 'approved applications', 'theme': 'decisions', 'without': [
        'application_to_credit_ratio_min', 'credit_to_annuity_ratio_max', 'cnt_payment_max', 'interest_share_max', 'interest_share_min',
    ]},
    {'name': 'refused_', 'where': 'is_refused = 1', 'amounts_only': true, 'says': 'refused previous applications', 'label': 'refused applications', 'theme': 'decisions', 'without': [
        'amt_credit_max', 'amt_credit_sum', 'amt_annuity_mean', 'amt_annuity_max', 'days_decision_mean',
    ]},
    {'name': 'running_', 'where': 'is_still_running = 1', 'amounts_only': true,
        'says': 'previous loans that are still being paid', 'label': 'running Home Credit loans', 'theme': 'repayments', 'without': [
            'amt_application_mean', 'amt_credit_max', 'amt_annuity_mean', 'amt_annuity_max', 'days_decision_mean',
        ]},
    {'name': 'cash_', 'where': "name_contract_type = 'Cash loans'", 'without': of_one_kind,
        'says': 'previous applications for a cash loan', 'label': 'cash loans before', 'theme': 'previous_terms'},
    {'name': 'consumer_', 'where': "name_contract_type = 'Consumer loans'", 'without': of_one_kind,
        'says': 'previous applications for a consumer loan', 'label': 'consumer loans before', 'theme': 'previous_terms'},
    {'name': 'last_1_', 'where': 'recency_rank = 1', 'without': ['days_decision_mean', 'interest_share_mean'],
        'says': 'the last previous application', 'label': 'last application', 'theme': 'previous_terms'},
] %}
{% set measures = [
    {'sql': 'amt_application', 'unit': 'currency', 'aggregates': ['mean'], 'says': 'credit asked for', 'label': 'credit asked for', 'theme': 'previous_terms'},
    {'sql': 'amt_credit', 'unit': 'currency', 'aggregates': ['mean', 'max', 'sum'], 'says': 'credit granted', 'label': 'credit', 'theme': 'previous_terms'},
    {'sql': 'amt_annuity', 'unit': 'currency', 'aggregates': ['mean', 'max'], 'says': 'annuity', 'label': 'monthly payment', 'theme': 'previous_terms'},
    {'sql': 'application_to_credit_ratio', 'is_term': true, 'unit': 'ratio', 'aggregates': ['mean', 'min'],
        'says': 'credit asked for over credit granted', 'label': 'asked over granted credit', 'theme': 'previous_terms'},
    {'sql': 'credit_to_annuity_ratio', 'is_term': true, 'unit': 'payments', 'aggregates': ['mean', 'max'],
        'says': 'credit over annuity, a proxy of the term', 'label': 'credit over monthly payment', 'theme': 'previous_terms'},
    {'sql': 'cnt_payment', 'is_term': true, 'unit': 'payments', 'aggregates': ['mean', 'max'], 'says': 'number of payments of loans with a term', 'label': 'number of payments', 'theme': 'previous_terms'},
    {'sql': 'days_decision', 'unit': 'days from application', 'aggregates': ['mean', 'max', 'min'], 'overall_only': ['min'],
        'says': 'day of decision', 'label': 'date of decision', 'theme': 'previous_terms'},
    {'sql': 'interest_share', 'is_term': true, 'unit': 'ratio', 'aggregates': ['mean', 'max', 'min'],
        'says': 'total interest over credit of loans with a term', 'label': 'interest over credit', 'theme': 'previous_terms'},
    {'sql': 'interest_rate', 'is_term': true, 'unit': 'ratio', 'aggregates': ['mean', 'max', 'min'],
        'says': 'approximate yearly interest rate of loans with a term', 'label': 'yearly interest rate', 'theme': 'previous_terms'},
    {'sql': 'rate_down_payment', 'is_term': true, 'unit': 'share 0..1', 'aggregates': ['mean', 'max'],
        'overall_only': ['mean', 'max'],
        'says': 'down payment over price', 'label': 'down payment over price', 'theme': 'previous_terms'},
] %}
{% set months = [6, 12, 24] %}
{% set last_applications = [1, 3, 5] %}
{% set reject_reasons = ['HC', 'SCO', 'SCOFR', 'LIMIT', 'CLIENT', 'VERIF', 'SYSTEM'] %}
{% set yield_groups = ['high', 'middle', 'low_normal', 'low_action'] %}
{% set latest = [
    ('product_combination', 'Product'), ('code_reject_reason', 'Reason for refusal'),
    ('name_yield_group', 'Interest group'), ('name_goods_category', 'Category of goods'), ('channel_type', 'Channel'),
    ('name_client_type', 'Kind of client (new or returning)'), ('name_contract_status', 'Status'),
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
        -- [count | decisions] cancelled applications: Previous applications that were cancelled.
        count(case when is_cancelled = 1 then 1 end) as previous_cancelled_count,
        -- [count | previous_terms] applications for a revolving loan: Previous applications for a revolving loan.
        count(case when name_contract_type = 'Revolving loans' then 1 end) as previous_revolving_count,
        -- [share 0..1 | decisions | of previous_count] share approved, previous applications: Approved among the previous applications.
        avg(is_approved) as previous_approved_share,
        -- [share 0..1 | decisions | of previous_count] share refused, previous applications: Refused among the previous applications.
        avg(is_refused) as previous_refused_share,
        -- [share 0..1 | decisions | of previous_count] share cancelled, previous applications: Cancelled among the previous applications.
        avg(is_cancelled) as previous_cancelled_share,
        {% for group in groups %}
        {% if group.name != 'last_1_' %}
        -- [count | {{ group.theme }}] {{ group.label }}: Number of {{ group.says }}.
        {{ aggregate_where('count', '1', group.where) }} as previous_{{ group.name }}count,
        {% endif %}
        {% for measure in measures if not (group.amounts_only and measure.is_term) %}
        {% for aggregate in measure.aggregates
            if (group.name != 'last_1_' or aggregate == 'mean')
            and (not group.name or aggregate not in measure.get('overall_only', []))
            and measure.sql ~ '_' ~ aggregate not in group.get('without', []) %}
        {% set none_of_them = '; 0 when there is none' if aggregate == 'sum' and group.name else '' %}
        -- {{ measured(aggregate, measure, over=group.says, within=group.label, counted='previous_' ~ ('' if group.name == 'last_1_' else group.name) ~ 'count', single=group.name == 'last_1_', empty=none_of_them) }}
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
        -- [count | decisions] previous applications, last {{ month }} months: Previous applications decided in the last {{ month }} months of 30 days.
        count(case when days_decision >= -30 * {{ month }} then 1 end) as previous_count_{{ month }}m,
        -- [count | decisions] refused applications, last {{ month }} months: Previous applications refused in the last {{ month }} months of 30 days.
        count(case when is_refused = 1 and days_decision >= -30 * {{ month }} then 1 end) as previous_refused_count_{{ month }}m,
        -- [count | decisions] approved applications, last {{ month }} months: Previous applications approved in the last {{ month }} months of 30 days.
        count(case when is_approved = 1 and days_decision >= -30 * {{ month }} then 1 end) as previous_approved_count_{{ month }}m,
        -- [currency | previous_terms | of previous_approved_count_{{ month }}m] total credit, approved applications, last {{ month }} months: Total credit granted in the last {{ month }} months of 30 days, over approved previous applications; 0 when there is none.
        {{ sum_where('amt_credit', 'is_approved = 1 and days_decision >= -30 * ' ~ month, 3) }}
            as previous_approved_amt_credit_sum_{{ month }}m,
        {% endfor %}
        {% for last in last_applications %}
        -- [{{ 'flag' if last == 1 else 'share 0..1' }} | decisions] {{ 'the last previous application was refused / the last previous application was not refused' if last == 1 else 'share refused, last ' ~ last ~ ' previous applications' }}: {{ 'Whether the last previous application was refused; null when there is none' if last == 1 else 'Refused among the last ' ~ last ~ ' previous applications' }}.
        avg(case when recency_rank <= {{ last }} then is_refused end) as previous_refused_share_last_{{ last }},
        {% if last == 5 %}
        -- [{{ 'flag' if last == 1 else 'share 0..1' }} | decisions] {{ 'the last previous application was approved / the last previous application was not approved' if last == 1 else 'share approved, last ' ~ last ~ ' previous applications' }}: {{ 'Whether the last previous application was approved; null when there is none' if last == 1 else 'Approved among the last ' ~ last ~ ' previous applications' }}.
        avg(case when recency_rank <= {{ last }} then is_approved end) as previous_approved_share_last_{{ last }},
        {% endif %}
        {% endfor %}
        {% for reason in reject_reasons %}
        -- [share 0..1 | decisions | of previous_count] share refused for reason {{ reason }}, previous applications: Previous applications refused for reason {{ reason }} of the release among all previous applications.
        avg(case when code_reject_reason = '{{ reason }}' then 1 else 0 end) as previous_reject_{{ reason | lower }}_share,
        {% endfor %}
        {% for group in yield_groups %}
        -- [share 0..1 | previous_terms | of previous_count] share in the interest group {{ group | replace('_', ' ') }}: Previous applications in the interest group {{ group | replace('_', ' ') }} among all previous applications.
        avg(case when name_yield_group = '{{ group }}' then 1 else 0 end) as previous_{{ group }}_yield_share,
        {% endfor %}
        {% for column, says in latest %}
        -- [category | {{ 'decisions' if column in ('code_reject_reason', 'name_contract_status') else 'previous_terms' }}] {{ says | lower }}, last previous application: {{ says }} of the last previous application.
        max(case when recency_rank = 1 then {{ column }} end) as previous_{{ column }}_last,
        {% endfor %}
        -- [days | repayments] mean time paid off before plan, earlier loans: Mean of the first schedule's last due date minus the actual one, positive when loans were paid early.
        avg(days_paid_early) as previous_days_paid_early_mean,
        -- [days | repayments] longest time paid off before plan, earlier loans: Largest of the first schedule's last due date minus the actual one, positive when a loan was paid early.
        max(days_paid_early) as previous_days_paid_early_max,
        -- [days from application | repayments] latest last due date, earlier loans: Latest last due date of a finished previous loan.
        max(days_last_due) as previous_days_last_due_max,
        -- [days from application | repayments] latest last due date by the first plan, earlier loans: Latest last due date of the first schedules, which may lie in the future.
        max(days_last_due_1st_version) as previous_days_last_due_1st_version_max,
        -- [days from application | previous_terms] earliest first due date, earlier loans: Earliest day on which a previous loan was first due.
        min(days_first_due) as previous_days_first_due_min,
        -- [share 0..1 | previous_terms] share insured, previous applications: Previous applications insured at approval among those that say.
        avg(nflag_insured_on_approval) as previous_insured_share,
        -- [area | previous_terms | not a reason] mean selling area of the seller's place: Mean selling area of the sellers of previous applications.
        avg(sellerplace_area) as previous_sellerplace_area_mean,
        -- [hour 0..23 | circumstances] mean hour of previous applications: Mean hour of the day of previous applications.
        avg(hour_appr_process_start) as previous_hour_mean,
        -- [currency | debt | of previous_running_count] total monthly payment, running Home Credit loans: Total of the annuities of running Home Credit loans; 0 when none is running.
        {{ sum_where('amt_annuity', 'is_still_running = 1', 3) }} as previous_running_annuity_sum,
        -- [currency | debt | of previous_running_count] total still to be paid, running Home Credit loans: Total still to be paid on running Home Credit loans, annuity times the months left; 0 when none is running.
        {{ sum_where('amt_annuity * months_left', 'is_still_running = 1', 3) }} as previous_running_future_payment_sum
    from graded
    group by sk_id_curr

),

against_application as (

    select
        applications.sk_id_curr,
        -- [flag | previous_terms] applied here before / never applied here before: Whether the client applied at Home Credit before.
        case when by_client.sk_id_curr is null then 0 else 1 end as has_previous_application,
        -- [ratio | loan | of previous_approved_count] mean credit of approved applications over this credit: Mean credit of approved previous applications over the credit now asked for.
        {{ safe_ratio('by_client.previous_approved_amt_credit_mean', 'applications.amt_credit') }}
            as previous_approved_credit_to_application_credit_ratio,
        -- [ratio | loan | of previous_approved_count] largest approved monthly payment over this one: Largest annuity of approved previous applications over the annuity of this loan.
        {{ safe_ratio('by_client.previous_approved_amt_annuity_max', 'applications.amt_annuity') }}
            as previous_approved_annuity_to_application_annuity_ratio,
        -- [ratio | loan | of previous_approved_count] mean approved monthly payment over this one: Mean annuity of approved previous applications over the annuity of this loan.
        {{ safe_ratio('by_client.previous_approved_amt_annuity_mean', 'applications.amt_annuity') }}
            as previous_approved_annuity_mean_to_application_annuity_ratio,
        -- [ratio | debt | of previous_running_count] monthly payments of running loans over yearly income: Annuities of running Home Credit loans over yearly income.
        {{ safe_ratio('by_client.previous_running_annuity_sum', 'applications.amt_income_total') }}
            as previous_running_annuity_to_income_ratio,
        -- [ratio | debt | of previous_running_count] still to be paid on running loans over yearly income: What is still to be paid on running Home Credit loans over yearly income.
        {{ safe_ratio('by_client.previous_running_future_payment_sum', 'applications.amt_income_total') }}
            as previous_running_future_payment_to_income_ratio,
        -- [payments | loan | of previous_approved_count | not a reason] term of this loan minus the mean approved one, by payments: Credit over annuity of this loan minus its mean over approved previous applications.
        {{ safe_ratio('applications.amt_credit', 'applications.amt_annuity') }}
        - by_client.previous_approved_credit_to_annuity_ratio_mean as previous_credit_to_annuity_difference,
        -- [ratio | loan | of previous_count] price of the goods over the mean credit asked for before: Price of the goods of this loan over the mean credit asked for before.
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
