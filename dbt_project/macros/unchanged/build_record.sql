{#
    The record of a build, which the quality gate and the publication demand: which invocation, on which raw files, how every
    node ended and in which state. A row of meta.builds without `passed` is a build that did not end.
#}
{% macro begin_build_record() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- do run_query(
            "insert into meta.builds (build_number, invocation_id, command, started_at) select coalesce(max(build_number), 0) + 1, '"
            ~ invocation_id ~ "', '" ~ flags.WHICH ~ "', current_timestamp from meta.builds"
        ) -%}
        {%- do forget_what_was_changed() -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}

{# `results`: dbt's own, one for each node that was to be done. A complete build misses no model and no test. #}
{% macro end_build_record(results) -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set ended, bad, missing, rows = {}, [], [], [] -%}
        {%- for result in results -%}
            {%- do ended.update({result.node.unique_id: result.status | string}) -%}
        {%- endfor -%}
        {%- for unique_id, status in ended.items() if status not in ('success', 'pass', 'warn', 'no-op') -%}
            {%- do bad.append(unique_id) -%}
        {%- endfor -%}
        {%- for unique_id, node in graph.nodes.items() if node.resource_type in ('model', 'test', 'seed', 'snapshot') -%}
            {%- if unique_id not in ended -%}{%- do missing.append(unique_id) -%}{%- endif -%}
            {%- set relation = "'" ~ node.schema ~ "', '" ~ node.alias ~ "'" if node.resource_type != 'test' else "null, null" -%}
            {%- do rows.append("('" ~ unique_id ~ "', '" ~ ended.get(unique_id, 'not done') ~ "', " ~ relation ~ ")") -%}
        {%- endfor -%}
        {%- do run_query("delete from meta.build_nodes") -%}
        {%- if rows -%}
            {%- do run_query(
                "insert into meta.build_nodes by name select b.build_number, n.*, s.state from (values " ~ rows | join(', ')
                ~ ") as n(unique_id, status, schema_name, relation_name) left join meta.build_state as s using (unique_id) "
                ~ "cross join (select max(build_number) as build_number from meta.builds) as b"
            ) -%}
        {%- endif -%}
        {%- do run_query(
            "insert into meta.build_nodes by name select (select max(build_number) from meta.builds) as build_number, "
            ~ "'raw.' || table_name as unique_id, 'loaded' as status, fingerprint as state from meta.raw_files"
        ) -%}
        {%- do run_query(
            "update meta.builds set ended_at = current_timestamp, passed = " ~ (bad | length == 0)
            ~ ", node_count = " ~ (results | length) ~ ", failed_count = " ~ (bad | length) ~ ", missing_count = "
            ~ (missing | length) ~ " where invocation_id = '" ~ invocation_id ~ "'"
        ) -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
