-- Does age matter by itself, or because the young have only begun to work?
-- One row per age band and time in the present employment; labelled applications.
with

training_set as (

    select * from {{ ref('training_set') }}

),

banded as (

    select
        target,
        cast(10 * floor(-days_birth / 3652.5) as integer) as age_from,
        case
            when days_employed is null then 'not employed'
            when days_employed > -365.25 then '0 to 1 years'
            when days_employed > -365.25 * 3 then '1 to 3 years'
            when days_employed > -365.25 * 10 then '3 to 10 years'
            else 'more than 10 years'
        end as employment
    from training_set

),

default_rates as (

    select
        age_from,
        age_from + 9 as age_to,
        employment,
        count(*) as application_count,
        {{ defaulter_count() }} as defaulter_count,
        round({{ default_rate() }}, 4) as default_rate,
        round({{ rate_standard_error() }}, 4) as default_rate_standard_error
    from banded
    group by age_from, employment

)

select * from default_rates
order by age_from, employment
