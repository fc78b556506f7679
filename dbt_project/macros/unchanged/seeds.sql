{# What a seed was last loaded from: its file, its configuration and its documentation. #}
{% macro seed_state() -%}
    {%- set state = local_md5(
        tojson(model.checksum, sort_keys=True) ~ tojson(model.get('config', {}), sort_keys=True)
        ~ model.get('description', '') ~ tojson(model.get('columns', {}), sort_keys=True)
    ) -%}
    {{ return({'state': state, 'recorded': recorded_states([]).get(model.unique_id)}) }}
{%- endmacro %}

{% materialization seed, adapter='duckdb' -%}
    {%- set node = seed_state() -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.is_table and is_unchanged(node) -%}
        {%- call noop_statement('main', 'UNCHANGED') -%}{%- endcall -%}
        {{ return({'relations': [this.incorporate(type='table')]}) }}
    {%- endif -%}
    {%- do forget_state(node) -%}
    {%- if existing is not none -%}
        {#- a changed file may have other columns -#}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- set result = dbt.materialization_seed_default() -%}
    {%- do record_state(node) -%}
    {{ return(result) }}
{%- endmaterialization %}
