{% set measures = demography_measures() %}

-- One row per education, occupation and decade of age: statistics of the reference population (labelled applications) of it.
with

measures as (

    select * from {{ ref('int_application_measures') }}

),

reference_population as (

    select * from {{ ref('reference_population') }}

),

by_demography as (

    select
        name_education_type,
        occupation_type,
        age_decade,
        {% for measure in measures %}
        count({{ measure.name }}) as {{ measure.name }}_n,
        {{ exact_mean(measure.name, measure.decimals) }} as {{ measure.name }}_mean,
        {{ exact_mean_square(measure.name, measure.decimals) }} as {{ measure.name }}_mean_square,
        {% endfor %}
        count(*) as client_count
    from measures
    where population = 'training'
    group by name_education_type, occupation_type, age_decade

),

towards_the_whole as (

    select
        by_demography.name_education_type,
        by_demography.occupation_type,
        by_demography.age_decade,
        {% for measure in measures %}
        {% for statistic in ['mean', 'mean_square'] %}
        {{ shrunk(
            'by_demography.' ~ measure.name ~ '_' ~ statistic,
            'by_demography.' ~ measure.name ~ '_n',
            'reference_population.' ~ measure.name ~ '_' ~ statistic
        ) }} as {{ measure.name }}_{{ statistic }},
        {% endfor %}
        {% endfor %}
        by_demography.client_count
    from by_demography
    cross join reference_population

)

select * from towards_the_whole
