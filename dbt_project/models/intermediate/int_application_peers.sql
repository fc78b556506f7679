{% set measures = [
    'ext_source_mean', 'ext_source_product', 'ext_source_2', 'ext_source_3', 'days_employed',
] %}
{% set demographic_measures = ['amt_income_total', 'amt_credit', 'amt_annuity', 'ext_source_mean'] %}

with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

measured as (

    select
        sk_id_curr,
        amt_income_total,
        amt_credit,
        amt_annuity,
        ext_source_2,
        ext_source_3,
        days_employed,
        name_education_type,
        occupation_type,
        floor(-days_birth / 365.25 / 10) as age_decade,
        -- equal credit over annuity is a proxy of equal product and term
        {{ whole_hundredths(safe_ratio('amt_credit', 'amt_annuity')) }} as product_term,
        ext_source_1 * ext_source_2 * ext_source_3 as ext_source_product,
        {{ safe_ratio(
            'coalesce(ext_source_1, 0) + coalesce(ext_source_2, 0) + coalesce(ext_source_3, 0)',
            'case when ext_source_1 is null then 0 else 1 end + case when ext_source_2 is null then 0 else 1 end'
            ~ ' + case when ext_source_3 is null then 0 else 1 end'
        ) }} as ext_source_mean
    from applications

),

by_product_term as (

    select
        product_term,
        {% for measure in measures %}
        avg({{ measure }}) as {{ measure }}_mean,
        median({{ measure }}) as {{ measure }}_median,
        {% endfor %}
        count(*) as product_term_client_count
    from measured
    where product_term is not null
    group by product_term

),

by_demography as (

    select
        name_education_type,
        occupation_type,
        age_decade,
        {% for name in demographic_measures %}
        median({{ name }}) as demography_{{ name }}_median,
        avg({{ name }}) as demography_{{ name }}_mean,
        stddev_pop({{ name }}) as demography_{{ name }}_std,
        {% endfor %}
        count(*) as demography_client_count
    from measured
    group by name_education_type, occupation_type, age_decade

),

peers as (

    select
        measured.sk_id_curr,
        {% for measure in measures %}
        by_product_term.{{ measure }}_mean as product_term_{{ measure }}_mean,
        by_product_term.{{ measure }}_median as product_term_{{ measure }}_median,
        measured.{{ measure }} - by_product_term.{{ measure }}_mean as product_term_{{ measure }}_difference,
        {% endfor %}
        {% for name in demographic_measures %}
        by_demography.demography_{{ name }}_median,
        {{ safe_ratio(
            'measured.' ~ name ~ ' - by_demography.demography_' ~ name ~ '_mean', 'by_demography.demography_' ~ name ~ '_std'
        ) }} as demography_{{ name }}_standard_score,
        {% endfor %}
        by_product_term.product_term_client_count
    from measured
    left join by_product_term
        on measured.product_term = by_product_term.product_term
    left join by_demography
        on
            measured.name_education_type = by_demography.name_education_type
            and coalesce(measured.occupation_type, '') = coalesce(by_demography.occupation_type, '')
            and measured.age_decade = by_demography.age_decade

)

select * from peers
