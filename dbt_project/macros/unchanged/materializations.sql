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
        {{ return(passed_before()) }}
    {%- endif -%}
    {%- do forget_state() -%}
    {%- set result = dbt.materialization_test_default() -%}
    {%- if load_result('main')['data'][0][0] == 0 -%}
        {%- do record_passed(state) -%}
    {%- endif -%}
    {{ return(result) }}
{%- endmaterialization %}

{# A unit test reads its fixtures alone: its SQL and what it expects say everything. #}
{% materialization unit, adapter='duckdb' -%}
    {%- set state = local_md5(sql ~ tojson(config.get('expected_rows'), sort_keys=True) ~ config.get('expected_sql')) -%}
    {%- if is_unchanged(state) -%}
        {{ return(passed_before(is_unit_test=true)) }}
    {%- endif -%}
    {%- do forget_state() -%}
    {%- set result = dbt.materialization_unit_default() -%}
    {%- set rows = {'actual': [], 'expected': []} -%}
    {%- for row in load_result('main')['table'].rows -%}
        {%- set side = row['actual_or_expected'] -%}
        {%- do rows[side].append(row.values() | join('|') | replace(side, '')) -%}
    {%- endfor -%}
    {%- if rows['actual'] | sort == rows['expected'] | sort -%}
        {%- do record_passed(state) -%}
    {%- endif -%}
    {{ return(result) }}
{%- endmaterialization %}
