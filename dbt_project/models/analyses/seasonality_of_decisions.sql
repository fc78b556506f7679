{% set weekday %}
        case weekday_appr_process_start
            when 'MONDAY' then '1 Monday'
            when 'TUESDAY' then '2 Tuesday'
            when 'WEDNESDAY' then '3 Wednesday'
            when 'THURSDAY' then '4 Thursday'
            when 'FRIDAY' then '5 Friday'
            when 'SATURDAY' then '6 Saturday'
            when 'SUNDAY' then '7 Sunday'
        end
{%- endset %}
{% set hour = "lpad(cast(hour_appr_process_start as string), 2, '0')" %}
{% set quarter = "lpad(cast(cast(floor(-days_decision / 90) as integer) as string), 2, '0')" %}

-- Do decisions have seasons: by weekday and hour of the application, and by quarters (90 days) before the present one?
-- One row per season: what was decided on earlier applications, and how labelled present ones are repaid.
with

previous_applications as (

    select * from {{ ref('previous_applications') }}

),

training_set as (

    select * from {{ ref('training_set') }}

),

decisions as (

    {% for season, value in [('weekday', weekday), ('hour', hour), ('quarters ago', quarter)] %}
    select
        '{{ season }}' as season,
        {{ value }} as season_value,
        is_approved,
        is_refused
    from previous_applications
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}

),

outcomes as (

    {% for season, value in [('weekday', weekday), ('hour', hour)] %}
    select
        '{{ season }}' as season,
        {{ value }} as season_value,
        target
    from training_set
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}

),

decision_rates as (

    select
        season,
        season_value,
        count(*) as decision_count,
        round({{ approval_rate() }}, 4) as approval_rate,
        round({{ rate_standard_error('is_approved') }}, 4) as approval_rate_standard_error,
        round({{ refusal_rate() }}, 4) as refusal_rate
    from decisions
    group by season, season_value

),

default_rates as (

    select
        season,
        season_value,
        count(*) as application_count,
        {{ defaulter_count() }} as defaulter_count,
        round({{ default_rate() }}, 4) as default_rate,
        round({{ rate_standard_error() }}, 4) as default_rate_standard_error
    from outcomes
    group by season, season_value

),

seasons as (

    select
        season,
        season_value,
        coalesce(decision_count, 0) as decision_count,
        approval_rate,
        approval_rate_standard_error,
        refusal_rate,
        coalesce(application_count, 0) as application_count,
        coalesce(defaulter_count, 0) as defaulter_count,
        default_rate,
        default_rate_standard_error
    from decision_rates
    full outer join default_rates using (season, season_value)

)

select * from seasons
order by season, season_value
