{#
    dbt's own materializations, entered only when something has changed (see build_state.sql).
    The state is forgotten before the work and recorded after it: what is interrupted is done again.
#}
{% materialization table, adapter='duckdb' -%}
    {%- set state = node_state(compiled_code) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.is_table and is_unchanged(state) -%}
        {%- call noop_statement('main', 'UNCHANGED') -%}{%- endcall -%}
        {{ return({'relations': [this.incorporate(type='table')]}) }}
    {%- endif -%}
    {%- do forget_state() -%}
    {%- set result = dbt.materialization_table_duckdb() -%}
    {%- do record_state(state) -%}
    {{ return(result) }}
{%- endmaterialization %}

{% materialization view, adapter='duckdb' -%}
    {%- set state = node_state(compiled_code) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.is_view and is_unchanged(state) -%}
        {%- call noop_statement('main', 'UNCHANGED') -%}{%- endcall -%}
        {{ return({'relations': [this.incorporate(type='view')]}) }}
    {%- endif -%}
    {%- do forget_state() -%}
    {%- set result = dbt.materialization_view_default() -%}
    {%- do record_state(state) -%}
    {{ return(result) }}
{%- endmaterialization %}

{% materialization test, adapter='duckdb' -%}
    {%- set state = node_state(sql) -%}
    {%- if is_unchanged(state) -%}
        {%- call statement('main', fetch_result=True) -%}
            select 0 as failures, false as should_warn, false as should_error
        {%- endcall -%}
        {{ return({'relations': []}) }}
    {%- endif -%}
    {%- do forget_state() -%}
    {%- set result = dbt.materialization_test_default() -%}
    {%- if load_result('main')['data'][0][0] == 0 -%}
        {%- do record_state(state) -%}
    {%- endif -%}
    {{ return(result) }}
{%- endmaterialization %}
