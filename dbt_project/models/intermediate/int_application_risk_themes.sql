{{ config(materialized='view') }}
{% set themes = risk_themes() | map(attribute='name') | list + ['all_signs'] %}

-- One row per application: an index of 0 to 100 for every theme of risk, 50 at the median of the reference population.
with

theme_sums as (

    select * from {{ ref('int_application_theme_sums') }}

),

reference_themes as (

    select * from {{ ref('reference_themes') }}

),

statistics as (

    select
        {% for theme in themes %}
        {{ aggregate_where('max', 'median', "theme = '" ~ theme ~ "'") }} as {{ theme }}_median,
        {{ aggregate_where('max', 'std', "theme = '" ~ theme ~ "'") }} as {{ theme }}_std,
        {% endfor %}
        count(*) as theme_count
    from reference_themes

),

indices as (

    select
        {% for theme in themes %}
        {{ risk_index('theme_sums.' ~ theme, 'statistics.' ~ theme) }} as {{ theme }}_index,
        {% endfor %}
        theme_sums.sk_id_curr
    from theme_sums
    cross join statistics

)

select * from indices
