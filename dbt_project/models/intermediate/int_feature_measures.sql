{% set features = documented_features() %}
{% set marts = [
    'feat_application', 'feat_bureau', 'feat_previous_application', 'feat_installments', 'feat_pos_cash',
    'feat_credit_card', 'feat_cross_source',
] %}
{% set rows_measured = 10000 %}

-- One row per feature: what its values are among all clients, and what it alone says of default among a sample.
with

{% for mart in marts %}
{{ mart }} as (

    select * from {{ ref(mart) }}

),

{% endfor %}
applications as (

    select * from {{ ref('int_applications_unioned') }}

),

-- keys first: sorting whole rows would carry every feature along
sampled as (

    select
        sk_id_curr,
        target
    from applications
    where population = 'training'
    order by {{ hash_of('sk_id_curr') }}, sk_id_curr
    limit {{ rows_measured }}

),

{% for mart in marts %}
{{ mart }}_sampled as (

    select
        sampled.target,
        features.*
    from sampled
    inner join {{ ref(mart) }} as features
        on sampled.sk_id_curr = features.sk_id_curr

),

{% endfor %}
extremes as (

    {% for mart in marts %}
    {{ extremes_by_feature(mart, features_of(mart, features)) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

distribution as (

    {% for mart in marts %}
    {{ values_by_feature(mart ~ '_sampled', features_of(mart, features) | rejectattr('data_type', 'equalto', 'varchar') | list) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

by_value as (

    select
        feature,
        value,
        sum(row_count) filter (where target = 1) as defaulted,
        sum(row_count) filter (where target = 0) as repaid,
        sum(row_count) as known
    from distribution
    group by feature, value

),

cumulated as (

    select
        feature,
        value,
        coalesce(defaulted, 0) as defaulted,
        coalesce(repaid, 0) as repaid,
        sum(coalesce(repaid, 0)) over (partition by feature order by value) as repaid_up_to,
        sum(known) over (partition by feature order by value) as known_up_to,
        sum(known) over (partition by feature) as known_in_all
    from by_value

),

-- probability that a defaulter has the larger value: every pair of a defaulter and another, ties counted as half
ranked as (

    select
        feature,
        min(case when known_up_to >= known_in_all / 2.0 then value end) as median,
        {{ safe_ratio('sum(defaulted * (repaid_up_to - repaid / 2.0))', 'sum(defaulted) * sum(repaid)') }} as auc
    from cumulated
    group by feature

),

measured as (

    select
        extremes.feature,
        1 - {{ safe_ratio('extremes.known_count', 'extremes.row_count') }} as null_share,
        extremes.minimum,
        ranked.median,
        extremes.maximum,
        ranked.auc
    from extremes
    left join ranked
        on extremes.feature = ranked.feature

)

select * from measured
