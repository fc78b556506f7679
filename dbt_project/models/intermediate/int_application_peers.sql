-- One row per application: what it is compared in, against the reference population of the same product and term, and of
-- the same education, occupation and decade of age; against the whole where the reference knows no such group.
with

measures as (

    select * from {{ ref('int_application_measures') }}

),

reference_population as (

    select * from {{ ref('reference_population') }}

),

reference_product_terms as (

    select * from {{ ref('reference_product_terms') }}

),

reference_demographies as (

    select * from {{ ref('reference_demographies') }}

),

matched as (

    select
        measures.*,
        {% for measure in product_term_measures() %}
        case
            when measures.product_term is not null
                then coalesce(reference_product_terms.{{ measure.name }}_mean, reference_population.{{ measure.name }}_mean)
        end as product_term_{{ measure.name }}_mean,
        {% endfor %}
        {% for measure in demography_measures() %}
        {% for statistic in ['mean', 'mean_square'] %}
        coalesce(reference_demographies.{{ measure.name }}_{{ statistic }}, reference_population.{{ measure.name }}_{{ statistic }})
            as demography_{{ measure.name }}_{{ statistic }},
        {% endfor %}
        {% endfor %}
        case when measures.product_term is not null then coalesce(reference_product_terms.client_count, 0) end
            as product_term_client_count,
        coalesce(reference_demographies.client_count, 0) as demography_client_count
    from measures
    cross join reference_population
    left join reference_product_terms
        on measures.product_term = reference_product_terms.product_term
    left join reference_demographies
        on
            measures.name_education_type = reference_demographies.name_education_type
            and measures.occupation_type = reference_demographies.occupation_type
            and measures.age_decade = reference_demographies.age_decade

),

peers as (

    select
        sk_id_curr,
        {% for measure in product_term_measures() %}
        product_term_{{ measure.name }}_mean,
        {{ measure.name }} - product_term_{{ measure.name }}_mean as product_term_{{ measure.name }}_difference,
        {% endfor %}
        {% for measure in demography_measures() %}
        demography_{{ measure.name }}_mean,
        {{ safe_ratio(
            measure.name ~ ' - demography_' ~ measure.name ~ '_mean',
            'sqrt(greatest(demography_' ~ measure.name ~ '_mean_square - pow(demography_' ~ measure.name ~ '_mean, 2), 0))'
        ) }} as demography_{{ measure.name }}_standard_score,
        {% endfor %}
        product_term_client_count,
        demography_client_count
    from matched

)

select * from peers
