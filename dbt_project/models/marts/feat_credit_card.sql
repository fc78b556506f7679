{% set windows = [
    {'name': '3m', 'since': months_since(3, -1), 'says': 'of the last 3 months', 'label': ', last 3 months'},
    {'name': '12m', 'since': months_since(12, -1), 'says': 'of the last 12 months', 'label': ', last 12 months'},
    {'name': '', 'since': none, 'says': 'ever observed', 'label': ''},
] %}
{% set measures = [
    {'name': 'balance', 'sql': 'amt_balance', 'unit': 'currency', 'decimals': 3, 'std_decimals': 0, 'aggregates': ['mean', 'max', 'std'],
        'ever_only': ['max', 'std'],
        'says': 'balance of a card, negative when overpaid', 'label': 'card balance', 'theme': 'cards'},
    {'name': 'utilisation', 'sql': 'utilisation', 'unit': 'ratio', 'decimals': 6, 'aggregates': ['mean', 'max', 'min'],
        'ever_only': ['min'], 'says': 'balance over limit, negative when overpaid', 'label': 'card balance over limit', 'theme': 'cards'},
    {'name': 'limit', 'sql': 'amt_credit_limit_actual', 'unit': 'currency', 'decimals': 3, 'aggregates': ['mean', 'max', 'min'],
        'ever_only': ['mean', 'max', 'min'], 'says': 'limit of a card', 'label': 'card limit', 'theme': 'cards'},
    {'name': 'drawings', 'sql': 'amt_drawings_current', 'unit': 'currency', 'decimals': 3, 'aggregates': ['mean', 'max', 'sum'],
        'ever_only': ['max', 'sum'],
        'says': 'amount drawn in a month', 'label': 'monthly drawing by card', 'theme': 'cards', 'total': 'amount drawn by card'},
    {'name': 'drawings_atm', 'sql': 'amt_drawings_atm_current', 'unit': 'currency', 'decimals': 3, 'aggregates': ['mean', 'max', 'sum'],
        'ever_only': ['mean', 'max', 'sum'], 'says': 'cash drawn in a month', 'label': 'monthly cash drawing by card', 'theme': 'cards', 'total': 'cash drawn by card'},
    {'name': 'drawings_pos', 'sql': 'amt_drawings_pos_current', 'unit': 'currency', 'decimals': 3, 'aggregates': ['mean'],
        'ever_only': ['mean'], 'says': 'amount spent on goods in a month', 'label': 'monthly spending on goods by card', 'theme': 'cards'},
    {'name': 'drawings_atm_count', 'sql': 'cnt_drawings_atm_current', 'unit': 'count', 'aggregates': ['mean', 'max'],
        'ever_only': ['mean', 'max'],
        'says': 'number of cash drawings in a month', 'label': 'number of cash drawings in a month', 'theme': 'cards'},
    {'name': 'drawings_count', 'sql': 'cnt_drawings_current', 'unit': 'count', 'aggregates': ['mean', 'max'],
        'ever_only': ['mean', 'max'],
        'says': 'number of drawings in a month', 'label': 'number of drawings by card in a month', 'theme': 'cards'},
    {'name': 'payment', 'sql': 'amt_payment_current', 'unit': 'currency', 'decimals': 3, 'aggregates': ['mean', 'max'], 'ever_only': ['max'],
        'says': 'payment in a month', 'label': 'monthly payment on a card', 'theme': 'cards'},
    {'name': 'payment_to_minimum_ratio', 'sql': 'payment_to_minimum_ratio', 'unit': 'ratio', 'decimals': 6, 'aggregates': ['mean', 'min'],
        'ever_only': ['min'], 'says': 'payment over the smallest one asked for', 'label': 'card payment over the minimum due', 'theme': 'punctuality'},
    {'name': 'below_minimum', 'sql': 'is_below_minimum', 'unit': 'share 0..1', 'aggregates': ['mean'],
        'ever_only': ['mean'], 'says': 'months paid below the minimum', 'label': 'card months paid below the minimum', 'theme': 'punctuality'},
    {'name': 'days_past_due', 'sql': 'sk_dpd', 'unit': 'days', 'aggregates': ['max'],
        'ever_only': ['max'], 'says': 'time past due', 'label': 'time past due on a card', 'theme': 'punctuality'},
    {'name': 'days_past_due_tolerated', 'sql': 'sk_dpd_def', 'unit': 'days', 'aggregates': ['max'],
        'ever_only': ['max'], 'says': 'time past due by more than is tolerated', 'label': 'time past due on a card beyond tolerance', 'theme': 'punctuality'},
    {'name': 'late', 'sql': 'is_late', 'unit': 'share 0..1', 'aggregates': ['mean'],
        'ever_only': ['mean'], 'says': 'months past due', 'label': 'card months past due', 'theme': 'punctuality'},
    {'name': 'late_tolerated', 'sql': 'is_late_tolerated', 'unit': 'share 0..1', 'aggregates': ['mean'],
        'ever_only': ['mean'], 'says': 'months past due by more than is tolerated', 'label': 'card months past due beyond tolerance', 'theme': 'punctuality'},
    {'name': 'paid_instalments', 'sql': 'cnt_instalment_mature_cum', 'unit': 'count', 'aggregates': ['max'],
        'ever_only': ['max'], 'says': 'number of paid instalments', 'label': 'number of paid card instalments', 'theme': 'cards'},
] %}
{% set slopes = ['balance', 'utilisation'] %}
{% set slope_words = {'balance': 'card balance', 'utilisation': 'card balance over limit'} %}

-- One row per application: the monthly course of earlier credit cards at Home Credit.
with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

credit_card_balance as (

    select * from {{ ref('stg_home_credit__credit_card_balance') }}

),

graded as (

    select
        *,
        {{ safe_ratio('amt_balance', 'amt_credit_limit_actual') }} as utilisation,
        {{ safe_ratio('amt_payment_current', 'amt_inst_min_regularity') }} as payment_to_minimum_ratio,
        case when sk_dpd > 0 then 1 else 0 end as is_late,
        case when sk_dpd_def > 0 then 1 else 0 end as is_late_tolerated,
        case
            when amt_inst_min_regularity > 0 and coalesce(amt_payment_current, 0) < amt_inst_min_regularity then 1
            when amt_inst_min_regularity > 0 then 0
        end as is_below_minimum,
        {{ bucket_of('months_balance', windows[:-1]) }} as bucket,
        -- orders a client's records by month, those of one month by card: keys are below 2 ** 53
        cast(months_balance as bigint) * 10000000000000000 + sk_id_prev as recency
    from credit_card_balance

),

by_bucket as (

    select
        sk_id_curr,
        bucket,
        {{ bucket_sums(measures, time='months_balance') }}
        count(*) as row_n,
        min(months_balance) as months_min,
        max(months_balance) as months_max,
        max(case when amt_drawings_current > 0 then months_balance end) as months_drawing_last,
        max(case when sk_dpd > 0 then months_balance end) as months_late_last,
        {{ last_known('amt_balance', 'recency') }} as balance_last,
        {{ last_known('utilisation', 'recency') }} as utilisation_last,
        count(case when name_contract_status = 'Active' then 1 end) as active_n
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
        -- [count | cards] monthly records of credit cards{{ window.label }}: Monthly records of credit cards {{ window.says }}.
        cast(coalesce(sum({{ within_buckets('row_n', last) }}), 0) as bigint) as card_month_count{{ suffix }},
        {% for measure in measures %}
        {% for aggregate in measure.aggregates if not window.name or aggregate not in measure.get('ever_only', []) %}
        -- {{ measured(aggregate, measure, over='monthly records of credit cards ' ~ window.says, within=window.label[2:], counted='card_month_count' ~ suffix) }}
        {{ over_buckets(measure, aggregate, last) }} as card_{{ measure.name }}_{{ aggregate_name(aggregate, measure) }}{{ suffix }},
        {% endfor %}
        {% endfor %}
        {% endfor %}
        {% for measure in measures if measure.name in slopes %}
        {% for window in windows if window.name in ('12m', '') %}
        {% set suffix = '_' ~ window.name if window.name else '' %}
        -- [{{ 'ratio' if measure.name == 'utilisation' else 'currency' }} per month | cards | of card_month_count{{ suffix }}] monthly change of {{ slope_words[measure.name] }}{{ window.label }}: Least-squares slope of {{ slope_words[measure.name] }} against the month, over monthly records of credit cards {{ window.says }}, positive when it grows.
        {{ over_buckets(measure, 'slope', windows.index(window) if window.name else none) }} as card_{{ measure.name }}_slope{{ suffix }},
        {% endfor %}
        {% endfor %}
        -- [months from application | cards] first monthly record of a credit card: Oldest monthly record of a credit card.
        min(months_min) as card_months_min,
        -- [months from application | cards] last monthly record of a credit card: Newest monthly record of a credit card.
        max(months_max) as card_months_max,
        -- [months from application | cards] last month with a drawing on a credit card: Most recent month with a drawing on a credit card; null when there was none.
        max(months_drawing_last) as card_months_drawing_last,
        -- [months from application | punctuality] last month past due on a credit card: Most recent month past due on a credit card; null when never late.
        max(months_late_last) as card_months_late_last,
        -- [currency | cards] last balance of a credit card: Balance in the newest monthly record of a credit card, negative when overpaid.
        {{ last_known('balance_last', 'months_max') }} as card_balance_last,
        -- [ratio | cards] last card balance over limit: Balance over limit in the newest monthly record with a limit, negative when overpaid.
        {{ last_known('utilisation_last', 'months_max') }} as card_utilisation_last,
        -- [share 0..1 | cards | of card_month_count] share of months with an active credit card: Months of an active card among all monthly records.
        {{ safe_ratio('sum(active_n)', 'sum(row_n)') }} as card_active_month_share
    from by_bucket
    group by sk_id_curr

),

-- from the table once more: a distinct count beside other aggregates makes DuckDB keep a copy of all rows
cards as (

    select distinct
        sk_id_curr,
        sk_id_prev
    from {{ ref('stg_home_credit__credit_card_balance') }}

),

cards_by_client as (

    select
        sk_id_curr,
        -- [count | cards] credit cards with monthly records: Number of credit cards with monthly records.
        count(*) as card_count
    from cards
    group by sk_id_curr

),

against_application as (

    select
        applications.sk_id_curr,
        -- [flag | cards] earlier credit cards are on record / no earlier credit cards are on record: Whether monthly records of earlier credit cards are known.
        case when by_client.sk_id_curr is null then 0 else 1 end as has_credit_card_history,
        -- [share 0..1 | cards] share of cash in amounts drawn by card: Cash among all amounts drawn by card; null when nothing was drawn.
        {{ safe_ratio('by_client.card_drawings_atm_sum', 'by_client.card_drawings_sum') }} as card_drawings_atm_share,
        -- [ratio | cards] last card balance over yearly income: Balance in the newest monthly record of a credit card over yearly income, negative when overpaid.
        {{ safe_ratio('by_client.card_balance_last', 'applications.amt_income_total') }} as card_balance_to_income_ratio,
        -- [ratio | cards | of card_month_count_12m] mean drawing by card over limit, last 12 months: Mean amount drawn in a month of the last 12 months over the mean limit ever observed.
        {{ safe_ratio('by_client.card_drawings_mean_12m', 'by_client.card_limit_mean') }}
            as card_drawings_to_limit_ratio_12m,
        -- [ratio | cards | of card_month_count_3m] card balance of the last 3 months over that of all time: Mean card balance of the last 3 months over mean card balance ever, negative when one of the two was overpaid.
        {{ safe_ratio('by_client.card_balance_mean_3m', 'by_client.card_balance_mean') }}
            as card_balance_recent_to_ever_ratio
    from applications
    left join by_client
        on applications.sk_id_curr = by_client.sk_id_curr

),

features as (

    select *
    from against_application
    left join by_client using (sk_id_curr)
    left join cards_by_client using (sk_id_curr)

)

select * from features
