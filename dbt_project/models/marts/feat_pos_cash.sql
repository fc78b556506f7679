{% set windows = [
    {'name': '3m', 'since': months_since(3, -1), 'says': 'of the last 3 months', 'label': ', last 3 months', 'without': ['completed']},
    {'name': '12m', 'since': months_since(12, -1), 'says': 'of the last 12 months', 'label': ', last 12 months'},
    {'name': '', 'since': none, 'says': 'ever observed', 'label': ''},
] %}
{% set measures = [
    {'name': 'days_past_due_tolerated', 'sql': 'sk_dpd_def', 'unit': 'days', 'aggregates': ['max'],
        'says': 'time past due by more than is tolerated', 'label': 'time past due', 'theme': 'punctuality'},
    {'name': 'late', 'sql': 'is_late', 'unit': 'share 0..1', 'aggregates': ['mean'], 'says': 'months past due', 'label': 'months past due', 'theme': 'punctuality'},
    {'name': 'remaining_share', 'sql': 'remaining_share', 'unit': 'ratio', 'decimals': 6, 'aggregates': ['mean', 'min', 'max'],
        'ever_only': ['min', 'max'], 'says': 'part of the instalments that is left', 'label': 'part left', 'theme': 'repayments'},
    {'name': 'term', 'sql': 'cnt_instalment', 'unit': 'payments', 'aggregates': ['max'], 'ever_only': ['max'],
        'says': 'number of instalments in all', 'label': 'term', 'theme': 'repayments'},
    {'name': 'completed', 'sql': 'is_completed', 'unit': 'share 0..1', 'aggregates': ['mean'],
        'says': 'months in which a loan was completed', 'label': 'final months', 'theme': 'repayments'},
] %}

-- One row per application: the monthly course of earlier point-of-sale and cash loans at Home Credit.
with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

pos_cash_balance as (

    select * from {{ ref('stg_home_credit__pos_cash_balance') }}
    -- one client's rows side by side: what is aggregated by client takes half the time, for a second of sorting
    order by sk_id_curr

),

pos_cash_by_loan as (

    select * from {{ ref('int_pos_cash_by_loan') }}

),

graded as (

    select
        *,
        case when sk_dpd > 0 then 1 else 0 end as is_late,
        case when name_contract_status = 'Completed' then 1 else 0 end as is_completed,
        {{ safe_ratio('cnt_instalment_future', 'cnt_instalment') }} as remaining_share,
        {{ bucket_of('months_balance', windows[:-1]) }} as bucket
    from pos_cash_balance

),

by_bucket as (

    select
        sk_id_curr,
        bucket,
        {{ bucket_sums(measures, time='months_balance') }}
        count(*) as row_n,
        min(months_balance) as months_min,
        max(months_balance) as months_max,
        max(case when is_late = 1 then months_balance end) as months_late_last,
        count(case when name_contract_status = 'Active' then 1 end) as active_n,
        count(case when name_contract_status in ('Demand', 'Amortized debt') then 1 end) as demand_n,
        count(case when name_contract_status = 'Signed' then 1 end) as signed_n,
        count(case when name_contract_status = 'Returned to the store' then 1 end) as returned_n
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
        -- [count | repayments] monthly records of POS and cash loans{{ window.label }}: Monthly records of point-of-sale and cash loans {{ window.says }}.
        cast(coalesce(sum({{ within_buckets('row_n', last) }}), 0) as bigint) as pos_month_count{{ suffix }},
        {% for measure in measures if measure.name not in window.get('without', []) %}
        {% for aggregate in measure.aggregates if not window.name or aggregate not in measure.get('ever_only', []) %}
        -- {{ measured(aggregate, measure, over='monthly records of point-of-sale and cash loans ' ~ window.says, within='POS and cash loans' ~ window.label, counted='pos_month_count' ~ suffix) }}
        {{ over_buckets(measure, aggregate, last) }} as pos_{{ measure.name }}_{{ aggregate_name(aggregate, measure) }}{{ suffix }},
        {% endfor %}
        {% endfor %}
        {% endfor %}
        -- [days per month | punctuality | of pos_month_count_12m | not a reason] trend of days past due, POS and cash loans, last 12 months: Least-squares slope of days past due with tolerance against the month, over the last 12 months, positive when it grows.
        {{ over_buckets(measures[0], 'slope', 1) }} as pos_days_past_due_tolerated_slope_12m,
        -- [ratio per month | repayments | of pos_month_count_12m | not a reason] trend of part left, POS and cash loans, last 12 months: Least-squares slope of the share of instalments left against the month, over the last 12 months, negative when loans are paid down.
        {{ over_buckets(measures[2], 'slope', 1) }} as pos_remaining_share_slope_12m,
        -- [months from application | repayments] first monthly record of a POS or cash loan: Oldest monthly record of a point-of-sale or cash loan.
        min(months_min) as pos_months_min,
        -- [months from application | repayments] last monthly record of a POS or cash loan: Newest monthly record of a point-of-sale or cash loan.
        max(months_max) as pos_months_max,
        -- [months from application | punctuality] last month past due on a POS or cash loan: Most recent month past due on a point-of-sale or cash loan; null when never late.
        max(months_late_last) as pos_months_late_last,
        -- [share 0..1 | repayments | of pos_month_count] share of active months, POS and cash loans: Months of an active loan among all monthly records of point-of-sale and cash loans.
        {{ safe_ratio('sum(active_n)', 'sum(row_n)') }} as pos_active_month_share,
        -- [share 0..1 | punctuality | of pos_month_count] share of months with a demanded debt, POS and cash loans: Months in which a debt was demanded or amortised among all monthly records of point-of-sale and cash loans.
        {{ safe_ratio('sum(demand_n)', 'sum(row_n)') }} as pos_demand_month_share,
        -- [share 0..1 | repayments | of pos_month_count] share of months before the start, POS and cash loans: Months between signature and start among all monthly records of point-of-sale and cash loans.
        {{ safe_ratio('sum(signed_n)', 'sum(row_n)') }} as pos_signed_month_share,
        -- [count | repayments] months with goods returned to the store: Monthly records that say the goods were returned to the store.
        cast(sum(returned_n) as bigint) as pos_returned_count
    from by_bucket
    group by sk_id_curr

),

loans_by_client as (

    select
        sk_id_curr,
        -- [count | repayments] POS and cash loans with monthly records: Number of point-of-sale and cash loans with monthly records.
        count(*) as pos_loan_count,
        -- [count | repayments] active POS and cash loans: Number of point-of-sale and cash loans active in a last record of at most two months ago.
        count(case when is_active_last = 1 then 1 end) as pos_active_loan_count,
        -- [share 0..1 | repayments | of pos_loan_count] share of POS and cash loans completed: Point-of-sale and cash loans that were completed among all of them.
        avg(is_completed) as pos_completed_loan_share,
        -- [share 0..1 | repayments] share of completed POS and cash loans that ended early: Completed point-of-sale and cash loans that ended before their term among all completed ones.
        avg(is_completed_early) as pos_completed_early_share,
        -- [count | repayments] total of instalments left, active POS and cash loans: Instalments left, summed over point-of-sale and cash loans active in a last record of at most two months ago; 0 when none is.
        {{ sum_where('remaining_last', 'is_active_last = 1') }} as pos_active_remaining_sum,
        -- [share 0..1 | repayments] share of instalments left, newest POS or cash loan: Instalments left over instalments in all on the newest point-of-sale or cash loan.
        max(case when recency_rank = 1 then remaining_share_last end) as pos_remaining_share_last_loan,
        -- [days | punctuality] longest time past due, newest POS or cash loan: Longest time past due with tolerance on the newest point-of-sale or cash loan.
        cast(max(case when recency_rank = 1 then days_past_due_max end) as double) as pos_days_past_due_max_last_loan,
        -- [count | punctuality] months past due, last three POS and cash loans: Months past due on the three newest point-of-sale and cash loans.
        cast(sum(case when recency_rank <= 3 then late_month_count end) as bigint) as pos_late_month_count_last_3_loans,
        -- [count | repayments] changes of the term, POS and cash loans: Changes of the term, summed over loans; 0 when it is the same in all records, or is not known.
        cast(sum(greatest(term_count - 1, 0)) as bigint) as pos_term_change_count
    from pos_cash_by_loan
    group by sk_id_curr

),

spine as (

    select
        applications.sk_id_curr,
        -- [flag | repayments] earlier POS or cash loans are on record / no earlier POS or cash loans are on record: Whether monthly records of earlier point-of-sale and cash loans are known.
        case when by_client.sk_id_curr is null then 0 else 1 end as has_pos_cash_history
    from applications
    left join by_client
        on applications.sk_id_curr = by_client.sk_id_curr

),

features as (

    select *
    from spine
    left join by_client using (sk_id_curr)
    left join loans_by_client using (sk_id_curr)

)

select * from features
