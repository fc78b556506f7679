{#
    What a node was last built from, so that a build does again only what has changed.

    The state of a node is a digest of its compiled SQL, of its configuration and documentation, and of the states of what
    it reads: for raw tables the fingerprint of the file (meta.raw_files), for models their own state (meta.build_state).
    A model whose state is the recorded one is left as it is; a test that passed in the same state is not run again.
    `dbt build --full-refresh` forgets all this.
#}
{% macro node_state(compiled_sql) -%}
    {%- set recorded = recorded_states(model.depends_on.nodes) -%}
    {%- set upstream = [] -%}
    {%- for unique_id in model.depends_on.nodes | sort if unique_id in recorded -%}
        {%- do upstream.append(recorded[unique_id]) -%}
    {%- endfor -%}
    {%- set state = none -%}
    {%- if upstream | length == model.depends_on.nodes | length -%}
        {%- set state = local_md5(
            compiled_sql ~ tojson(model.get('config', {}), sort_keys=True) ~ model.get('description', '')
            ~ tojson(model.get('columns', {}), sort_keys=True) ~ upstream | join(',')
        ) -%}
    {%- endif -%}
    {{ return({'state': state, 'recorded': recorded.get(model.unique_id)}) }}
{%- endmacro %}

{# A unit test reads its fixtures alone: its SQL and what it expects say everything. #}
{% macro unit_test_state(compiled_sql) -%}
    {%- set expected = tojson(config.get('expected_rows'), sort_keys=True) ~ config.get('expected_sql') -%}
    {{ return({'state': local_md5(compiled_sql ~ expected), 'recorded': recorded_states([]).get(model.unique_id)}) }}
{%- endmacro %}

{# State by unique_id of this node and of others, as far as they are recorded: one question to the warehouse. #}
{% macro recorded_states(unique_ids) -%}
    {%- set names = {model.unique_id: model.unique_id} -%}
    {%- for unique_id in unique_ids -%}
        {%- do names.update({(unique_id.split('.')[-1] if unique_id.startswith('source.') else unique_id): unique_id}) -%}
    {%- endfor -%}
    {%- set rows = run_query(
        "select name, state from (select table_name as name, fingerprint as state from meta.raw_files union all "
        ~ "select unique_id as name, state from meta.build_state) where name in ('" ~ names | join("', '") ~ "')"
    ) -%}
    {%- set states = {} -%}
    {%- for row in rows -%}
        {%- do states.update({names[row['name']]: row['state']}) -%}
    {%- endfor -%}
    {{ return(states) }}
{%- endmacro %}

{% macro is_unchanged(node) -%}
    {{ return(node.state is not none and node.state == node.recorded and not flags.FULL_REFRESH) }}
{%- endmacro %}

{% macro forget_state(node) -%}
    {%- if node.recorded is not none -%}
        {%- do run_query("delete from meta.build_state where unique_id = '" ~ model.unique_id ~ "'") -%}
    {%- endif -%}
{%- endmacro %}

{% macro record_state(node) -%}
    {%- if node.state is not none -%}
        {%- do run_query("insert into meta.build_state values ('" ~ model.unique_id ~ "', '" ~ node.state ~ "', current_timestamp)") -%}
    {%- endif -%}
{%- endmacro %}

{# dbt rolls the transaction of a test back when it has read the result: what is recorded must outlive it. #}
{% macro record_passed(node) -%}
    {%- do adapter.commit() -%}
    {%- do record_state(node) -%}
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
