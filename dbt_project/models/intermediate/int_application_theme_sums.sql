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
        count(*) as sign_count,
        {% for theme in themes %}
        {% for sign in theme.signs %}
        {% set name = theme.name ~ '_' ~ loop.index %}
        {% set where = "theme = '" ~ theme.name ~ "' and place = " ~ loop.index %}
        {{ aggregate_where('max', 'mean', where) }} as {{ name }}_mean,
        {{ aggregate_where('max', 'std', where) }} as {{ name }}_std,
        {% endfor %}
        {% endfor %}
        max(place) as place_max
    from reference_signs

),

scored as (

    select
        signs.sk_id_curr,
        {% for theme in themes %}
        {% for sign in theme.signs %}
        {% set name = theme.name ~ '_' ~ loop.index %}
        {{ sign.direction }} * {{ standard_score('signs.' ~ name, 'statistics.' ~ name) }} as {{ name }},
        {% endfor %}
        {% endfor %}
        signs.population
    from signs
    cross join statistics

),

summed as (

    select
        sk_id_curr,
        {% for theme in themes %}
        {{ known_sum(theme.name, theme.signs | length) }} as {{ theme.name }},
        {% endfor %}
        population
    from scored

),

with_all as (

    select
        *,
        0
        {% for theme in themes %}
        + {{ theme.name }}
        {% endfor %} as all_signs
    from summed

)

select * from with_all
