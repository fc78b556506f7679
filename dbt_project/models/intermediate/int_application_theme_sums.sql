{% set themes = risk_themes() %}

-- One row per application: by theme of risk, the sum of the standard scores of its signs against the reference population.
with

signs as (

    select * from {{ ref('int_application_signs') }}

),

reference_signs as (

    select * from {{ ref('reference_signs') }}

),

statistics as (

    select
        {% for theme, signs in themes.items() %}
        {% for sign in signs %}
        {% set name = theme ~ '_' ~ loop.index %}
        {% set where = "theme = '" ~ theme ~ "' and place = " ~ loop.index %}
        {{ aggregate_where('max', 'mean', where) }} as {{ name }}_mean,
        {{ aggregate_where('max', 'std', where) }} as {{ name }}_std,
        {% endfor %}
        {% endfor %}
        count(*) as sign_count
    from reference_signs

),

scored as (

    select
        {% for theme, signs in themes.items() %}
        {% for sign in signs %}
        {% set name = theme ~ '_' ~ loop.index %}
        {{ sign.direction }} * {{ standard_score('signs.' ~ name, 'statistics.' ~ name) }} as {{ name }},
        {% endfor %}
        {% endfor %}
        signs.sk_id_curr,
        signs.population
    from signs
    cross join statistics

),

summed as (

    select
        {% for theme, signs in themes.items() %}
        {{ known_sum(theme, signs | length) }} as {{ theme }},
        {% endfor %}
        sk_id_curr,
        population
    from scored

),

with_all as (

    select
        *,
        {% for theme in themes %}
        {{ theme }}{{ ' +' if not loop.last }}
        {% endfor %} as all_signs
    from summed

)

select * from with_all
