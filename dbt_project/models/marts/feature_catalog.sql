{% set features = documented_features() %}
{% set marts = [
    'feat_application', 'feat_bureau', 'feat_previous_application', 'feat_installments', 'feat_pos_cash',
    'feat_credit_card', 'feat_cross_source',
] %}
{% set rows_measured = 10000 %}

with

{% for mart in marts %}
{{ mart }} as (

    select * from {{ ref(mart) }}

),

{% endfor %}
applications as (

    select * from {{ ref('int_applications_unioned') }}

),

themes as (

    select * from {{ ref('feature_themes') }}

),

histories as (

    select * from {{ ref('feature_histories') }}

),

synonyms as (

    select * from {{ ref('feature_synonyms') }}

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
described as (

    select listed.*
    from (
        values
        {% for feature in features %}
        {% set meta = feature.meta %}
        (
            {{ quoted(feature.name) }}, {{ quoted(feature.mart) }}, {{ quoted(meta.sources) }},
            {{ quoted('category' if feature.data_type == 'varchar' else ('flag' if meta.unit == 'flag' else 'number')) }},
            {{ quoted(meta.unit) }}, {{ quoted(meta.get('aggregate')) }}, {{ quoted(meta.get('window')) }},
            {{ quoted(meta.theme) }}, {{ quoted(meta.label) }}, {{ quoted(meta.get('label_if_no')) }},
            {{ quoted(feature.description) }}, {{ meta.get('is_protected', false) }}, {{ meta.get('may_be_reason', true) }},
            {{ quoted(meta.get('counted_in')) }}
        ){{ ',' if not loop.last }}
        {% else %}
        ('', '', '', '', '', '', '', '', '', '', '', false, false, '')
        {% endfor %}
    ) as listed (
        feature, mart, sources, kind, unit, aggregate, time_window, theme, label, label_if_no, description, is_protected,
        may_be_reason, counted_in
    )

),

searched as (

    select
        described.feature,
        string_agg(synonyms.synonym, ' ' order by synonyms.synonym) as synonyms
    from described
    inner join synonyms
        on
            {{ spaced_words("described.feature || ' ' || described.label || ' ' || described.description") }}
            like '% ' || replace(synonyms.word, '*', '%') || ' %'
    group by described.feature

),

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

catalog as (

    select
        described.feature,
        described.mart,
        described.sources,
        described.kind,
        described.unit,
        described.aggregate,
        described.time_window,
        described.theme,
        themes.title as theme_title,
        described.label,
        described.label_if_no,
        described.description,
        described.is_protected,
        described.may_be_reason,
        described.counted_in,
        histories.history,
        searched.synonyms,
        1 - {{ safe_ratio('extremes.known_count', 'extremes.row_count') }} as null_share,
        extremes.minimum,
        ranked.median,
        extremes.maximum,
        ranked.auc
    from described
    left join themes
        on described.theme = themes.theme
    left join histories
        on described.mart = histories.mart
    left join searched
        on described.feature = searched.feature
    left join extremes
        on described.feature = extremes.feature
    left join ranked
        on described.feature = ranked.feature

)

select * from catalog
