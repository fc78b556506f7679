-- Do newer loans go late sooner: how late are instalments, by the year a loan began and by its age when they fell due?
-- One row per vintage and age of the loan, the newest vintage first; paid instalments of earlier Home Credit loans.
with

installments as (

    select * from {{ ref('installments') }}

),

banded as (

    select
        sk_id_prev,
        days_past_due,
        cast(floor(-days_first_instalment / 365.25) as integer) as loan_began_years_ago,
        case
            when loan_age_days < 90 then 0
            when loan_age_days < 180 then 3
            when loan_age_days < 360 then 6
            when loan_age_days < 720 then 12
            else 24
        end as loan_age_months_from
    from installments
    where days_past_due is not null

),

by_loan as (

    select
        loan_began_years_ago,
        loan_age_months_from,
        sk_id_prev,
        count(*) as instalment_count,
        count(*) filter (where days_past_due > 0) as late_count,
        count(*) filter (where days_past_due > 30) as late_over_30_days_count
    from banded
    group by loan_began_years_ago, loan_age_months_from, sk_id_prev

),

by_vintage as (

    select
        loan_began_years_ago,
        loan_age_months_from,
        count(*) as loan_count,
        sum(instalment_count) as instalment_count,
        sum(late_count) as late_count,
        {{ safe_ratio('sum(late_count)', 'sum(instalment_count)') }} as late_rate,
        {{ safe_ratio('sum(late_over_30_days_count)', 'sum(instalment_count)') }} as late_over_30_days_rate,
        sum(late_count * late_count) as late_square,
        sum(late_count * instalment_count) as late_product,
        sum(instalment_count * instalment_count) as instalment_square
    from by_loan
    group by loan_began_years_ago, loan_age_months_from

),

-- instalments of one loan resemble each other: the standard error is that of a ratio of two sums over loans
vintages as (

    select
        loan_began_years_ago,
        loan_age_months_from,
        loan_count,
        instalment_count,
        late_count,
        round(late_rate, 4) as late_rate,
        round({{ safe_ratio(
            'sqrt(nullif(greatest(late_square - 2 * late_rate * late_product + late_rate * late_rate * instalment_square, 0), 0))',
            'instalment_count'
        ) }}, 4) as late_rate_standard_error,
        round(late_over_30_days_rate, 4) as late_over_30_days_rate
    from by_vintage

)

select * from vintages
order by loan_began_years_ago, loan_age_months_from
