-- How does the use of a Home Credit card's limit go with default?
-- One row per band of utilisation in the newest month with a limit; labelled applications.
with

training_set as (

    select * from {{ ref('training_set') }}

),

banded as (

    select
        target,
        card_balance_last,
        case
            when has_credit_card_history = 0 then 'no card'
            when card_utilisation_last is null then 'no limit'
            when card_utilisation_last <= 0 then '0 %'
            when card_utilisation_last <= 0.25 then '0 to 25 %'
            when card_utilisation_last <= 0.5 then '25 to 50 %'
            when card_utilisation_last <= 0.75 then '50 to 75 %'
            when card_utilisation_last <= 1 then '75 to 100 %'
            else 'above 100 %'
        end as card_utilisation
    from training_set

),

default_rates as (

    select
        card_utilisation,
        count(*) as application_count,
        round(avg(card_balance_last), 0) as card_balance_mean,
        {{ defaulter_count() }} as defaulter_count,
        round({{ default_rate() }}, 4) as default_rate,
        round({{ rate_standard_error() }}, 4) as default_rate_standard_error
    from banded
    group by card_utilisation

)

select * from default_rates
order by card_utilisation
