with

bureau_balance as (

    select * from {{ ref('stg_home_credit__bureau_balance') }}

),

graded as (

    select
        sk_id_bureau,
        months_balance,
        status,
        -- 0 no days past due .. 5 more than 120, sold or written off; closed counts as 0, unknown as nothing
        case
            when status in ('1', '2', '3', '4', '5') then cast(status as integer)
            when status in ('0', 'C') then 0
        end as severity
    from bureau_balance

),

by_loan as (

    select
        sk_id_bureau,
        count(*) as observed_month_count,
        count(case when severity > 0 then 1 end) as late_month_count,
        count(case when status = 'X' then 1 end) as unknown_month_count,
        count(case when status = 'C' then 1 end) as closed_month_count,
        {% for months in [6, 12, 24] %}
        count(case when severity > 0 and months_balance >= {{ months_since(months, 0) }} then 1 end) as late_month_count_{{ months }}m,
        {% endfor %}
        avg(severity) as severity_mean,
        avg(case when months_balance >= {{ months_since(12, 0) }} then severity end) as severity_mean_12m,
        max(severity) as severity_max,
        max(case when months_balance >= {{ months_since(12, 0) }} then severity end) as severity_max_12m,
        max(case when severity > 0 then months_balance end) as months_balance_late_last,
        {{ safe_ratio(
            'count(severity) * sum(severity * months_balance) - sum(severity) * sum(case when severity is not null then months_balance end)',
            'count(severity) * sum(case when severity is not null then months_balance * months_balance end)'
            ~ ' - power(sum(case when severity is not null then months_balance end), 2)'
        ) }} as severity_slope
    from graded
    group by sk_id_bureau

)

select * from by_loan
