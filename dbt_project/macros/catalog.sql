{#
    Features in the order of client_features: name, mart, data_type, description, and the marks (`meta`) that the
    documentation of their mart gives them.
#}
{% macro documented_features() -%}
    {%- set features, by_name = [], {} -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name.startswith('feat_') -%}
            {%- for column in node.columns.values() if column.config.meta.get('label') -%}
                {%- do by_name.update({column.name: {
                    'name': column.name, 'mart': node.name, 'data_type': column.data_type,
                    'description': column.description, 'meta': column.config.meta,
                }}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for name in graph.nodes['model.' ~ project_name ~ '.client_features'].columns if name in by_name -%}
            {%- do features.append(by_name[name]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(features) }}
{%- endmacro %}

{# Those of one mart. #}
{% macro features_of(mart, features) -%}
    {{ return(features | selectattr('mart', 'equalto', mart) | list) }}
{%- endmacro %}

{# A text in lower case with a space around every word: a word is found whole, like '% late %', and not in "plate". #}
{% macro spaced_words(text) -%}
    ' ' || translate(lower({{ text }}), '_,.;:/()', '        ') || ' '
{%- endmacro %}

{# One row per feature with its known values counted, its minimum and its maximum, from one scan of a wide table. #}
{% macro extremes_by_feature(relation, features) -%}
    {{ return(adapter.dispatch('extremes_by_feature')(relation, features)) }}
{%- endmacro %}

{% macro default__extremes_by_feature(relation, features) %}
    {% for feature in features %}
    select
        '{{ feature.name }}' as feature,
        count(*) as row_count,
        count({{ feature.name }}) as known_count,
        {{ 'cast(null as double)' if feature.data_type == 'varchar' else 'cast(min(' ~ feature.name ~ ') as double)' }} as minimum,
        {{ 'cast(null as double)' if feature.data_type == 'varchar' else 'cast(max(' ~ feature.name ~ ') as double)' }} as maximum
    from {{ relation }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}

{% macro duckdb__extremes_by_feature(relation, features) %}
    select unnest(facts, recursive := true)
    from (
        select [
            {% for feature in features %}
            {% set number = feature.data_type != 'varchar' %}
            struct_pack(
                feature := '{{ feature.name }}',
                row_count := count(*),
                known_count := count({{ feature.name }}),
                minimum := {{ 'cast(min(' ~ feature.name ~ ') as double)' if number else 'cast(null as double)' }},
                maximum := {{ 'cast(max(' ~ feature.name ~ ') as double)' if number else 'cast(null as double)' }}
            ){{ ',' if not loop.last }}
            {% endfor %}
        ] as facts
        from {{ relation }}
    )
{% endmacro %}

{# One row per label, feature and known value, with the number of rows that have it. #}
{% macro values_by_feature(relation, features) -%}
    {{ return(adapter.dispatch('values_by_feature')(relation, features)) }}
{%- endmacro %}

{% macro default__values_by_feature(relation, features) %}
    {% for feature in features %}
    select target, '{{ feature.name }}' as feature, cast({{ feature.name }} as double) as value, count(*) as row_count
    from {{ relation }}
    where {{ feature.name }} is not null
    group by target, {{ feature.name }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}

{% macro duckdb__values_by_feature(relation, features) %}
    select target, feature, value, count(*) as row_count
    from (
        unpivot (
            select
                target,
                {% for feature in features %}
                cast({{ feature.name }} as double) as {{ feature.name }}{{ ',' if not loop.last }}
                {% endfor %}
            from {{ relation }}
        ) on {% for feature in features %}{{ feature.name }}{{ ', ' if not loop.last }}{% endfor %}
        into name feature value value
    )
    group by all
{% endmacro %}
