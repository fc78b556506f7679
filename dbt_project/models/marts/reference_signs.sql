{% set themes = risk_themes() %}

-- One row per sign of risk: its mean and standard deviation over the reference population (labelled applications).
with

signs as (

    select * from {{ ref('int_application_signs') }}

),

measured as (

    select
        {% for theme in themes %}
        {% for sign in theme.signs %}
        {% set name = theme.name ~ '_' ~ loop.index %}
        {{ exact_mean(name, 6) }} as {{ name }}_mean,
        {{ deviation(exact_mean_square(name, 6), exact_mean(name, 6), 'min(' ~ name ~ ')', 'max(' ~ name ~ ')') }} as {{ name }}_std,
        {% endfor %}
        {% endfor %}
        count(*) as client_count
    from signs
    where population = 'training'

),

by_sign as (

    {% for theme in themes %}
    {% set is_last_theme = loop.last %}
    {% for sign in theme.signs %}
    select
        '{{ theme.name }}' as theme,
        {{ loop.index }} as place,
        '{{ sign.sql.split('.')[1] }}' as sign,
        {{ sign.direction }} as direction,
        {{ theme.name }}_{{ loop.index }}_mean as mean,
        {{ theme.name }}_{{ loop.index }}_std as std
    from measured
    {{ 'union all' if not (loop.last and is_last_theme) }}
    {% endfor %}
    {% endfor %}

)

select * from by_sign
