with

pos_cash_balance as (

    select * from {{ ref('stg_home_credit__pos_cash_balance') }}

),

-- from the table once more: a distinct count beside other aggregates makes DuckDB keep a copy of all rows
terms as (

    select distinct
        sk_id_prev,
        cnt_instalment
    from {{ ref('stg_home_credit__pos_cash_balance') }}

),

terms_by_loan as (

    select
        sk_id_prev,
        count(cnt_instalment) as term_count
    from terms
    group by sk_id_prev

),

by_loan as (

    select
        sk_id_prev,
        max(sk_id_curr) as sk_id_curr,
        min(months_balance) as months_first,
        max(months_balance) as months_last,
        {{ last_known('cnt_instalment', 'months_balance') }} as term_last,
        {{ last_known('cnt_instalment_future', 'months_balance') }} as remaining_last,
        {{ last_known('name_contract_status', 'months_balance') }} as status_last,
        {{ first_known('cnt_instalment_future', 'months_balance') }} as remaining_first,
        min(case when name_contract_status = 'Completed' then months_balance end) as months_completed,
        max(sk_dpd_def) as days_past_due_max,
        count(case when sk_dpd > 0 then 1 end) as late_month_count,
        max(case when name_contract_status = 'Completed' then 1 else 0 end) as is_completed
    from pos_cash_balance
    group by sk_id_prev

),

graded as (

    select
        *,
        {{ safe_ratio('remaining_last', 'term_last') }} as remaining_share_last,
        case when status_last = 'Active' and months_last >= -2 then 1 else 0 end as is_active_last,
        case
            when months_completed - months_first < remaining_first then 1
            when is_completed = 1 then 0
        end as is_completed_early,
        row_number() over (partition by sk_id_curr order by months_first desc, sk_id_prev desc) as recency_rank
    from by_loan
    left join terms_by_loan using (sk_id_prev)

)

select * from graded
