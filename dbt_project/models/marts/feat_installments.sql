{% set windows = [
    {'name': '90d', 'since': -90, 'says': 'due in the last 90 days', 'label': ', last 90 days',
        'without': ['late_over_7_days', 'late_over_30_days', 'missed', 'shortfall']},
    {'name': '365d', 'since': -365, 'says': 'due in the last 365 days', 'label': ', last 365 days'},
    {'name': '', 'since': none, 'says': 'ever due', 'label': ''},
] %}
{% set measures = [
    {'name': 'days_past_due', 'sql': 'days_past_due', 'unit': 'days', 'aggregates': ['mean', 'max', 'std'], 'ever_only': ['std'],
        'says': 'lateness', 'label': 'lateness of instalments', 'theme': 'punctuality'},
    {'name': 'days_before_due', 'sql': 'days_before_due', 'known': 'days_past_due', 'unit': 'days', 'aggregates': ['mean'],
        'says': 'time paid before the due date', 'label': 'time paid before the due date', 'theme': 'punctuality'},
    {'name': 'late', 'sql': 'is_late', 'known': 'days_past_due', 'unit': 'share 0..1', 'aggregates': ['mean'],
        'says': 'instalments paid late among those paid', 'label': 'instalments paid late', 'theme': 'punctuality'},
    {'name': 'late_over_7_days', 'sql': 'is_late_7', 'known': 'days_past_due', 'unit': 'share 0..1',
        'aggregates': ['mean'], 'says': 'instalments paid more than 7 days late among those paid', 'label': 'instalments paid over 7 days late', 'theme': 'punctuality'},
    {'name': 'late_over_30_days', 'sql': 'is_late_30', 'known': 'days_past_due', 'unit': 'share 0..1',
        'aggregates': ['mean'], 'says': 'instalments paid more than 30 days late among those paid', 'label': 'instalments paid over 30 days late', 'theme': 'punctuality'},
    {'name': 'missed', 'sql': 'is_missed', 'unit': 'share 0..1', 'aggregates': ['mean'], 'says': 'instalments not paid at all', 'label': 'instalments not paid at all', 'theme': 'punctuality'},
    {'name': 'paid_to_owed_ratio', 'sql': 'paid_to_owed_ratio', 'unit': 'ratio', 'decimals': 6, 'std_decimals': 3, 'aggregates': ['mean', 'std'],
        'ever_only': ['std'], 'says': 'amount paid over amount owed', 'label': 'amount paid over amount owed', 'theme': 'punctuality'},
    {'name': 'shortfall', 'sql': 'amt_shortfall', 'unit': 'currency', 'decimals': 3, 'aggregates': ['max'],
        'says': 'amount owed and not paid', 'label': 'amount left unpaid on an instalment', 'theme': 'punctuality'},
    {'name': 'payment', 'sql': 'amt_payment', 'unit': 'currency', 'decimals': 3, 'aggregates': ['mean', 'max', 'min', 'sum'],
        'ever_only': ['mean', 'max', 'min', 'sum'], 'says': 'amount paid per instalment', 'label': 'amount paid per instalment', 'theme': 'repayments', 'total': 'amount paid on instalments'},
    {'name': 'owed', 'sql': 'amt_instalment', 'unit': 'currency', 'decimals': 3, 'aggregates': ['max', 'sum'], 'ever_only': ['max', 'sum'],
        'says': 'amount owed per instalment', 'label': 'amount owed per instalment', 'theme': 'repayments', 'total': 'amount owed on instalments'},
] %}
{% set slopes = ['days_past_due', 'days_before_due'] %}
{% set slope_words = {
    'days_past_due': 'lateness of instalments', 'days_before_due': 'time paid before the due date',
} %}

-- One row per application: how instalments of earlier Home Credit loans were paid.
with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

installments_by_number as (

    select * from {{ ref('int_installments_by_number') }}

),

graded as (

    select
        *,
        {{ safe_ratio('amt_payment', 'amt_instalment') }} as paid_to_owed_ratio,
        case when days_past_due > 0 then 1 when days_past_due = 0 then 0 end as is_late,
        case when days_past_due > 7 then 1 when days_past_due <= 7 then 0 end as is_late_7,
        case when days_past_due > 30 then 1 when days_past_due <= 30 then 0 end as is_late_30,
        {{ bucket_of('days_instalment', windows[:-1]) }} as bucket
    from installments_by_number

),

by_bucket as (

    select
        sk_id_curr,
        bucket,
        {{ bucket_sums(measures, time='days_instalment') }}
        count(*) as row_n,
        max(num_instalment_version) as version_max,
        sum(payment_count) - count(*) as partial_payment_count,
        max(case when days_past_due > 0 then days_instalment end) as days_late_last,
        max(days_instalment) as days_instalment_max,
        min(days_instalment) as days_instalment_min
    from graded
    group by sk_id_curr, bucket
    -- the second pass finds a client's buckets side by side: half its time
    order by sk_id_curr

),

by_client as (

    select
        sk_id_curr,
        {% for window in windows %}
        {% set suffix = '_' ~ window.name if window.name else '' %}
        {% set last = none if loop.last else loop.index0 %}
        -- [count | repayments] instalments due{{ window.label }}: Instalments of earlier Home Credit loans {{ window.says }}, where partial payments of one instalment count once.
        cast(coalesce(sum({{ within_buckets('row_n', last) }}), 0) as bigint) as installments_count{{ suffix }},
        {% for measure in measures if measure.name not in window.get('without', []) %}
        {% for aggregate in measure.aggregates if not window.name or aggregate not in measure.get('ever_only', []) %}
        -- {{ measured(aggregate, measure, over='instalments ' ~ window.says, within=window.label[2:], counted='installments_count' ~ suffix) }}
        {{ over_buckets(measure, aggregate, last) }} as installments_{{ measure.name }}_{{ aggregate_name(aggregate, measure) }}{{ suffix }},
        {% endfor %}
        {% endfor %}
        {% endfor %}
        {% for measure in measures if measure.name in slopes %}
        {% for window in windows if window.name in ('365d', '') %}
        {% set suffix = '_' ~ window.name if window.name else '' %}
        -- [{{ 'ratio' if measure.name == 'paid_to_owed_ratio' else 'days' }} per day | punctuality | of installments_count{{ suffix }} | not a reason] trend of {{ slope_words[measure.name] }}{{ window.label }}: Least-squares slope of {{ slope_words[measure.name] }} against the due date, over instalments {{ window.says }}, positive when it grows.
        {{ over_buckets(measure, 'slope', windows.index(window) if window.name else none) }} as installments_{{ measure.name }}_slope{{ suffix }},
        {% endfor %}
        {% endfor %}
        -- [count | repayments | not a reason] highest version of an instalment calendar: Highest version of an instalment calendar, which says how often one was changed.
        max(version_max) as installments_version_max,
        -- [count | punctuality] further payments on instalments paid in parts: Payments beyond the first one of an instalment.
        cast(sum(partial_payment_count) as bigint) as installments_partial_payment_count,
        -- [days from application | punctuality] due date of the last instalment paid late: Due date of the last instalment that was paid late; null when never late.
        max(days_late_last) as installments_days_late_last,
        -- [days from application | repayments] due date of the last instalment: Due date of the last instalment.
        max(days_instalment_max) as installments_days_instalment_max,
        -- [days from application | repayments] due date of the first instalment: Due date of the first instalment.
        min(days_instalment_min) as installments_days_instalment_min
    from by_bucket
    group by sk_id_curr

),

against_application as (

    select
        applications.sk_id_curr,
        -- [flag | repayments] payments on earlier loans are on record / no payments on earlier loans are on record: Whether payments of the client on earlier Home Credit loans are known.
        case when by_client.sk_id_curr is null then 0 else 1 end as has_installments_history,
        -- [ratio | loan] this monthly payment over the largest instalment before: Annuity of this loan over the largest instalment ever owed.
        {{ safe_ratio('applications.amt_annuity', 'by_client.installments_owed_max') }}
            as installments_application_annuity_to_owed_max_ratio,
        -- [ratio | repayments] mean payment per instalment over this monthly payment: Mean payment per instalment over the annuity of this loan.
        {{ safe_ratio('by_client.installments_payment_mean', 'applications.amt_annuity') }}
            as installments_payment_mean_to_annuity_ratio,
        -- [ratio | punctuality] total paid over total owed on instalments: Amount paid over amount owed, both summed over all instalments.
        {{ safe_ratio('by_client.installments_payment_sum', 'by_client.installments_owed_sum') }}
            as installments_paid_to_owed_ratio,
        -- [ratio | punctuality] lateness of the last 365 days over that of all time: Mean lateness of instalments over the last 365 days over mean lateness ever; null when never late.
        {{ safe_ratio('by_client.installments_days_past_due_mean_365d', 'by_client.installments_days_past_due_mean') }}
            as installments_days_past_due_recent_to_ever_ratio
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
