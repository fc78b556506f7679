{% set measures = product_term_measures() %}

-- One row per credit over annuity in quarters of a payment: statistics of the reference population (labelled applications) with it.
with

measures as (

    select * from {{ ref('int_application_measures') }}

),

reference_population as (

    select * from {{ ref('reference_population') }}

),

by_product_term as (

    select
        product_term,
        {% for measure in measures %}
        count({{ measure.name }}) as {{ measure.name }}_n,
        {{ exact_mean(measure.name, measure.decimals) }} as {{ measure.name }}_mean,
        {% endfor %}
        count(*) as client_count
    from measures
    where
        population = 'training'
        and product_term is not null
    group by product_term

),

towards_the_whole as (

    select
        by_product_term.product_term,
        {% for measure in measures %}
        {{ shrunk(
            'by_product_term.' ~ measure.name ~ '_mean',
            'by_product_term.' ~ measure.name ~ '_n',
            'reference_population.' ~ measure.name ~ '_mean'
        ) }} as {{ measure.name }}_mean,
        {% endfor %}
        by_product_term.client_count
    from by_product_term
    cross join reference_population

)

select * from towards_the_whole
