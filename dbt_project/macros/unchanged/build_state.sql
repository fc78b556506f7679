{#
    What a node was last built from, so that a build does again only what has changed.

    The state of a node is a digest of its compiled SQL, of its configuration and contract, of what builds it (the versions
    of dbt and DuckDB and these macros: meta.build_state, 'builder') and of the states of what it reads: for raw tables the
    fingerprint of the file (meta.raw_files), for models their own state. Beside the state stand the evidence of what
    was built (see relation_content) and a digest of the documentation. A model whose state and content are the recorded
    ones is left as it is; a test that passed in the same state is not run again.
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
    {{ return({'state': state, 'docs': node_docs(), 'recorded': recorded.get(model.unique_id)}) }}
{%- endmacro %}

{# What decides the rows and types of a node, beside its SQL: configuration and contract, without words about them. #}
{% macro node_shape() -%}
    {%- set shape = {'config': {}, 'columns': []} -%}
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

{# State, content and documentation by unique_id of this node and of others, as far as they are recorded: one query. #}
{% macro recorded_states(unique_ids) -%}
    {%- set names = {model.unique_id: model.unique_id} -%}
    {%- for unique_id in unique_ids -%}
        {%- do names.update({(unique_id.split('.')[-1] if unique_id.startswith('source.') else unique_id): unique_id}) -%}
    {%- endfor -%}
    {%- set rows = run_query(
        "select name, state, content, docs from (select table_name as name, fingerprint as state, content, null as docs "
        ~ "from meta.raw_files union all select unique_id as name, state, content, docs from meta.build_state) "
        ~ "where name in ('" ~ names | join("', '") ~ "')"
    ) -%}
    {%- set states = {} -%}
    {%- for row in rows -%}
        {%- do states.update({names[row['name']]: {'state': row['state'], 'content': row['content'], 'docs': row['docs']}}) -%}
    {%- endfor -%}
    {{ return(states) }}
{%- endmacro %}

{#
    Evidence that a relation still is what was built: for a view its text, for a table its columns, row count and the hash of
    its keys (columns sk_id_*; all columns when there is none), in any order of rows. It costs milliseconds. Values that
    were changed in place under the same keys are beyond it: the fingerprint of the quality gate finds them.
#}
{% macro relation_content(relation) -%}
    {%- if relation.is_view -%}
        {%- set query -%}
            select md5(sql) from duckdb_views()
            where database_name = current_database() and schema_name = '{{ relation.schema }}' and view_name = '{{ relation.identifier }}'
        {%- endset -%}
    {%- else -%}
        {%- set keys, names = [], [] -%}
        {#- not by adapter.get_columns_in_relation: it opens a transaction, and dbt would roll back what is recorded in it -#}
        {%- set columns = run_query(
            "select column_name as name, data_type from duckdb_columns() where database_name = current_database() "
            ~ "and schema_name = '" ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "' order by column_index"
        ) -%}
        {%- for column in columns -%}
            {%- do names.append(column['name'] ~ ' ' ~ column['data_type']) -%}
            {%- if column['name'].startswith('sk_id_') -%}{%- do keys.append(adapter.quote(column['name'])) -%}{%- endif -%}
        {%- endfor -%}
        {%- set query -%}
            select '{{ local_md5(names | join(',')) }}/' || count(*) || '/' || coalesce(sum(hash({{ keys | join(', ') or 'row_of_table' }})), 0)
            from {{ relation }} as row_of_table
        {%- endset -%}
    {%- endif -%}
    {%- set found = run_query(query) -%}
    {{ return(found.rows[0][0] if found.rows | length else none) }}
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

{# The same for a model, whose relation may have been changed since by other hands. #}
{% macro is_model_unchanged(node, relation) -%}
    {{ return(is_unchanged(node) and relation_content(relation) == node.recorded.content) }}
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
        {%- set content = "'" ~ relation_content(relation) ~ "'" if relation else 'null' -%}
        {%- do run_query(
            "insert into meta.build_state (unique_id, state, built_at, content, docs) values ('" ~ model.unique_id ~ "', '"
            ~ node.state ~ "', current_timestamp, " ~ content ~ ", '" ~ (node.docs or '') ~ "')"
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# The result of a test that passed. #}
{% macro passed_before() -%}
    {%- call statement('main', fetch_result=True) -%}
        select 0 as failures, false as should_warn, false as should_error
    {%- endcall -%}
    {{ return({'relations': []}) }}
{%- endmacro %}
