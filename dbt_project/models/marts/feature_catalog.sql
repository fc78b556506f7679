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
            {{ quoted([
                feature.name, feature.mart, meta.sources,
                'category' if feature.data_type == 'varchar' else ('flag' if meta.unit == 'flag' else 'number'),
                meta.unit, meta.get('aggregate'), meta.get('window'), meta.theme, meta.label, meta.get('label_if_no'),
                feature.description, meta.get('counted_in'),
            ]) }},
            {{ meta.get('is_protected', false) }}, {{ meta.get('may_be_reason', true) }}
        ){{ ',' if not loop.last }}
        {% else %}
        ('', '', '', '', '', '', '', '', '', '', '', '', false, false)
        {% endfor %}
    ) as listed (
        feature, mart, sources, kind, unit, aggregate, time_window, theme, label, label_if_no, description, counted_in,
        is_protected, may_be_reason
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
