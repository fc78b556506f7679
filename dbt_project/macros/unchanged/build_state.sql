{#
    What a node was last built from, so that a build does again only what has changed.

    The state of a node is a digest of its compiled SQL, of its configuration and contract, of what builds it (the versions
    of dbt and DuckDB and these macros: meta.build_state, 'builder') and of the states of what it reads: for raw tables the
    fingerprint of the file (meta.raw_files), for models their own state. Beside the state stand the evidence of what
    was built (see evidence.sql) and a digest of the documentation. What no longer is what was built has lost its state
    when the first node is reached. A model whose state is the recorded one is left as it is; a test that passed in the
    same state is not run again.
    `dbt build --full-refresh` forgets all this; so do `dbt test` and every build that names its nodes with --select.
#}
{% macro node_state(compiled_sql) -%}
    {%- set recorded = recorded_states(model.depends_on.nodes + ['builder']) -%}
    {%- set upstream = [] -%}
    {%- for unique_id in (model.depends_on.nodes + ['builder']) | sort if unique_id in recorded -%}
        {%- do upstream.append(recorded[unique_id].state) -%}
    {%- endfor -%}
    {%- set state = none -%}
    {%- if upstream | length == model.depends_on.nodes | length + 1 -%}
        {%- set state = local_md5(compiled_sql ~ tojson(node_shape(), sort_keys=True) ~ upstream | join(',')) -%}
    {%- endif -%}
    {{ return({'state': state, 'docs': node_docs(), 'recorded': recorded.get(model.unique_id), 'passed': recorded['']}) }}
{%- endmacro %}

{#
    What decides the rows and types of a node, beside its SQL: configuration and contract, without words about them; and
    whether it is a statistic of the reference population, which meta.model_sql repeats.
#}
{% macro node_shape() -%}
    {%- set shape = {'config': {}, 'columns': [], 'reference': is_reference()} -%}
    {%- for name, value in model.get('config', {}).items() if name not in ('meta', 'docs', 'tags', 'description', 'group') -%}
        {%- do shape.config.update({name: value}) -%}
    {%- endfor -%}
    {%- for name, column in model.get('columns', {}).items() -%}
        {%- do shape.columns.append([name, column.get('data_type'), column.get('constraints'), column.get('quote')]) -%}
    {%- endfor -%}
    {{ return(shape) }}
{%- endmacro %}

{# Digest of what is written into the comments of a relation. #}
{% macro node_docs() -%}
    {%- set texts = [model.get('description', '')] -%}
    {%- for name, column in model.get('columns', {}).items() -%}
        {%- do texts.append(name ~ ': ' ~ column.get('description', '')) -%}
    {%- endfor -%}
    {{ return(local_md5(texts | join('\n'))) }}
{%- endmacro %}

{#
    State and documentation by unique_id of this node and of others, as far as they are recorded: one query, as dbt takes
    more time for a query than DuckDB. Under '' stands what dbt would have found if this node were a test that passes.
#}
{% macro recorded_states(unique_ids) -%}
    {%- set names = {model.unique_id: model.unique_id} -%}
    {%- for unique_id in unique_ids -%}
        {%- do names.update({(unique_id.split('.')[-1] if unique_id.startswith('source.') else unique_id): unique_id}) -%}
    {%- endfor -%}
    {%- set rows = run_query(
        "select name, state, docs, 0 as failures, false as should_warn, false as should_error "
        ~ "from (select table_name as name, fingerprint as state, null as docs "
        ~ "from meta.raw_files union all select unique_id as name, state, docs from meta.build_state) "
        ~ "where name in ('" ~ names | join("', '") ~ "')"
    ) -%}
    {%- set states = {'': rows.limit(1).select(['failures', 'should_warn', 'should_error'])} -%}
    {%- for row in rows -%}
        {%- do states.update({names[row['name']]: {'state': row['state'], 'docs': row['docs']}}) -%}
    {%- endfor -%}
    {{ return(states) }}
{%- endmacro %}

{# May anything be left undone in this invocation: a whole build may, nobody who names a node or calls `dbt test` wants it. #}
{% macro is_remembering() -%}
    {{ return(flags.WHICH in ('build', 'run') and not flags.FULL_REFRESH and not invocation_args_dict.get('select')) }}
{%- endmacro %}

{% macro is_unchanged(node) -%}
    {{ return(
        node.state is not none and node.recorded is not none and node.state == node.recorded.state and is_remembering()
    ) }}
{%- endmacro %}

{# The answer of a model that is left as it is; when only its documentation has changed, that is written. #}
{% macro leave_unchanged(node, relation) -%}
    {%- if node.docs == node.recorded.docs -%}
        {%- call noop_statement('main', 'UNCHANGED') -%}{%- endcall -%}
    {%- else -%}
        {%- do persist_docs(relation, model) -%}
        {%- do run_query("update meta.build_state set docs = '" ~ node.docs ~ "' where unique_id = '" ~ model.unique_id ~ "'") -%}
        {%- do adapter.commit() -%}
        {%- call noop_statement('main', 'DOCUMENTED') -%}{%- endcall -%}
    {%- endif -%}
    {{ return({'relations': [relation]}) }}
{%- endmacro %}

{% macro forget_state(node) -%}
    {%- if node.recorded is not none -%}
        {%- do run_query("delete from meta.build_state where unique_id = '" ~ model.unique_id ~ "'") -%}
    {%- endif -%}
{%- endmacro %}

{# `relation`: what a model has built; none for a test. Only builds record: nobody else has seen to the raw files. #}
{% macro record_state(node, relation=none) -%}
    {%- if node.state is not none and flags.WHICH in ('build', 'run') -%}
        {%- do run_query(
            "insert into meta.build_state by name select '" ~ model.unique_id ~ "' as unique_id, '" ~ node.state
            ~ "' as state, current_timestamp as built_at, '" ~ (node.docs or '') ~ "' as docs"
            ~ (evidence_columns(relation) if relation else '')
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# The answer of a test that passed before. #}
{% macro leave_passed(node) -%}
    {%- do store_raw_result('main', message='UNCHANGED', code=none, rows_affected=none, agate_table=node.passed) -%}
    {{ return({'relations': []}) }}
{%- endmacro %}
