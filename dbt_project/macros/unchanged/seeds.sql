{# What a seed was last loaded from: its file, its configuration and what builds it. #}
{% macro seed_state() -%}
    {%- set recorded = recorded_states(['builder']) -%}
    {%- set builder = recorded.get('builder', {}).get('state') -%}
    {%- set state = local_md5(
        tojson(model.checksum, sort_keys=True) ~ tojson(node_shape(), sort_keys=True) ~ builder
    ) -%}
    {{ return({'state': state, 'docs': node_docs(), 'recorded': recorded.get(model.unique_id)}) }}
{%- endmacro %}

{% materialization seed, adapter='duckdb' -%}
    {%- set node = seed_state() -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.is_table and is_unchanged(node) -%}
        {#- dbt reads the rows of a seed when it reports it -#}
        {%- do store_result('agate_table', response='UNCHANGED', agate_table=load_agate_table()) -%}
        {{ return(leave_unchanged(node, this.incorporate(type='table'))) }}
    {%- endif -%}
    {%- do forget_state(node) -%}
    {%- if existing is not none -%}
        {#- a changed file may have other columns -#}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- set result = dbt.materialization_seed_default() -%}
    {%- do record_state(node, this.incorporate(type='table')) -%}
    {{ return(result) }}
{%- endmaterialization %}
