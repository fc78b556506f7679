{% set features = documented_features() %}

with

measures as (

    select * from {{ ref('int_feature_measures') }}

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
        measures.null_share,
        measures.minimum,
        measures.median,
        measures.maximum,
        measures.auc
    from described
    left join themes
        on described.theme = themes.theme
    left join histories
        on described.mart = histories.mart
    left join searched
        on described.feature = searched.feature
    left join measures
        on described.feature = measures.feature

)

select * from catalog
