{#
    dbt's own materializations, entered only when something has changed (see build_state.sql).
    The state is forgotten before the work and recorded after it: what is interrupted is done again.
#}
{% materialization table, adapter='duckdb' -%}
    {%- set node = node_state(compiled_code) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.is_table and is_unchanged(node) -%}
        {{ return(leave_unchanged(node, this.incorporate(type='table'))) }}
    {%- endif -%}
    {%- do forget_state(node) -%}
    {%- set result = dbt.materialization_table_duckdb() -%}
    {%- do record_sql(compiled_code) -%}
    {%- do record_state(node, this.incorporate(type='table')) -%}
    {{ return(result) }}
{%- endmaterialization %}

{% materialization view, adapter='duckdb' -%}
    {%- set node = node_state(compiled_code) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.is_view and is_unchanged(node) -%}
        {{ return(leave_unchanged(node, this.incorporate(type='view'))) }}
    {%- endif -%}
    {%- do forget_state(node) -%}
    {%- set result = dbt.materialization_view_default() -%}
    {%- do record_sql(compiled_code) -%}
    {%- do record_state(node, this.incorporate(type='view')) -%}
    {{ return(result) }}
{%- endmaterialization %}

{% materialization test, adapter='duckdb' -%}
    {%- set node = node_state(sql) -%}
    {%- if is_unchanged(node) -%}
        {{ return(leave_passed(node)) }}
    {%- endif -%}
    {%- do forget_state(node) -%}
    {%- set result = dbt.materialization_test_default() -%}
    {%- if load_result('main')['data'][0][0] == 0 -%}
        {#- dbt rolls the transaction of a test back when it has read the result: what is recorded must outlive it -#}
        {%- do adapter.commit() -%}
        {%- do record_state(node) -%}
    {%- endif -%}
    {{ return(result) }}
{%- endmaterialization %}
