{#
    What a node was last built from, so that a build does again only what has changed.

    The state of a node is a digest of its compiled SQL, of its configuration and documentation, and of the states of what
    it reads: for raw tables the fingerprint of the file (meta.raw_files), for models their own state (meta.build_state).
    A model whose state is the recorded one is left as it is; a test that passed in the same state is not run again.
    `dbt build --full-refresh` forgets all this.
#}
{% macro node_state(compiled_sql) -%}
    {%- set upstream = [] -%}
    {%- for unique_id in model.depends_on.nodes -%}
        {%- do upstream.append("'" ~ (unique_id.split('.')[-1] if unique_id.startswith('source.') else unique_id) ~ "'") -%}
    {%- endfor -%}
    {%- set states = [] -%}
    {%- if upstream -%}
        {%- set rows = run_query(
            "select state from (select table_name as name, fingerprint as state from meta.raw_files union all "
            ~ "select unique_id as name, state from meta.build_state) where name in (" ~ upstream | join(', ') ~ ") order by name"
        ) -%}
        {%- set states = rows.columns[0].values() -%}
    {%- endif -%}
    {%- if states | length < upstream | length -%}
        {{ return('') }}
    {%- endif -%}
    {{ return(local_md5(
        compiled_sql ~ tojson(model.get('config', {}), sort_keys=True) ~ model.get('description', '')
        ~ tojson(model.get('columns', {}), sort_keys=True) ~ states | join(',')
    )) }}
{%- endmacro %}

{% macro is_unchanged(state) -%}
    {%- if not state or flags.FULL_REFRESH -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set rows = run_query(
        "select count(*) from meta.build_state where unique_id = '" ~ model.unique_id ~ "' and state = '" ~ state ~ "'"
    ) -%}
    {{ return(rows.columns[0].values()[0] > 0) }}
{%- endmacro %}

{% macro forget_state() -%}
    {%- do run_query("delete from meta.build_state where unique_id = '" ~ model.unique_id ~ "'") -%}
{%- endmacro %}

{% macro record_state(state) -%}
    {%- if state -%}
        {%- do run_query("insert into meta.build_state values ('" ~ model.unique_id ~ "', '" ~ state ~ "', current_timestamp)") -%}
    {%- endif -%}
{%- endmacro %}

{# dbt rolls the transaction of a test back when it has read the result: what is recorded must outlive it. #}
{% macro record_passed(state) -%}
    {%- do adapter.commit() -%}
    {%- do record_state(state) -%}
{%- endmacro %}

{# The result of a test that passed: no failures; for a unit test, no rows that differ. #}
{% macro passed_before(is_unit_test=false) -%}
    {%- call statement('main', fetch_result=True) -%}
        {%- if is_unit_test %}
        select 'expected' as actual_or_expected where false
        {%- else %}
        select 0 as failures, false as should_warn, false as should_error
        {%- endif %}
    {%- endcall -%}
    {{ return({'relations': []}) }}
{%- endmacro %}
