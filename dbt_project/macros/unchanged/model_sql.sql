{#
    The SQL that a relation was built from, in meta.model_sql: publication copies it, so that the features of one new
    applicant come from the SQL that made the marts. An unchanged model keeps its row: without one it is not unchanged (evidence.sql).
    A model with `meta: {reference: true}` holds statistics of the reference population; others read its published rows.
#}
{% macro is_reference() -%}
    {{ return(model.config.get('meta', {}).get('reference', false)) }}
{%- endmacro %}

{% macro record_sql(compiled_sql) -%}
    {%- set reads = [] -%}
    {%- for unique_id in model.depends_on.nodes -%}
        {%- set node = graph.sources.get(unique_id) or graph.nodes[unique_id] -%}
        {%- do reads.append("'" ~ node.schema ~ '.' ~ (node.get('identifier') or node.alias) ~ "'") -%}
    {%- endfor -%}
    {%- do run_query(
        "insert or replace into meta.model_sql values ('" ~ this.schema ~ '.' ~ this.identifier ~ "', '" ~ this.database
        ~ "', " ~ (is_reference() | lower) ~ ", [" ~ reads | join(', ') ~ "], '"
        ~ compiled_sql | replace("'", "''") ~ "')"
    ) -%}
{%- endmacro %}
