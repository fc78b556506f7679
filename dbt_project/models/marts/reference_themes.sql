{% set themes = risk_themes() | map(attribute='name') | list + ['all_signs'] %}

-- One row per theme of risk: median and standard deviation, over the reference population (labelled applications), of what its index is made of.
with

theme_sums as (

    select * from {{ ref('int_application_theme_sums') }}

),

measured as (

    select
        {% for theme in themes %}
        median({{ theme }}) as {{ theme }}_median,
        {{ deviation(exact_mean_square(theme, 6), exact_mean(theme, 6), 'min(' ~ theme ~ ')', 'max(' ~ theme ~ ')') }} as {{ theme }}_std,
        {% endfor %}
        count(*) as client_count
    from theme_sums
    where population = 'training'

),

by_theme as (

    {% for theme in themes %}
    select
        '{{ theme }}' as theme,
        {{ theme }}_median as median,
        {{ theme }}_std as std
    from measured
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from by_theme
