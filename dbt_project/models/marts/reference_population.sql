{% set measures = product_term_measures() + demography_measures() | rejectattr('name', 'equalto', 'ext_source_mean') | list %}

-- One row: the whole reference population (labelled applications), which the statistics of its groups are shrunk towards.
with

measures as (

    select * from {{ ref('int_application_measures') }}

),

reference as (

    select * from measures
    where population = 'training'

),

whole as (

    select
        {% for measure in measures %}
        {{ exact_mean(measure.name, measure.decimals) }} as {{ measure.name }}_mean,
        {% endfor %}
        {% for measure in demography_measures() %}
        {{ exact_mean_square(measure.name, measure.decimals) }} as {{ measure.name }}_mean_square,
        {% endfor %}
        count(*) as client_count
    from reference

)

select * from whole
