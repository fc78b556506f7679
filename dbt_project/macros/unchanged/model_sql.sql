{#
    The SQL that a relation was built from, in meta.model_sql: publication copies it, so that the features of one new
    applicant come from the SQL that made the marts. It is kept for unchanged models too: their state says it is the same.
    A model with `meta: {reference: true}` holds statistics of the reference population; others read its published rows.
#}
{% macro record_sql(compiled_sql) -%}
    {%- set reads = [] -%}
    {%- for unique_id in model.depends_on.nodes -%}
        {%- set node = graph.sources.get(unique_id) or graph.nodes[unique_id] -%}
        {%- do reads.append("'" ~ node.schema ~ '.' ~ (node.get('identifier') or node.alias) ~ "'") -%}
    {%- endfor -%}
    {%- do run_query(
        "insert or replace into meta.model_sql values ('" ~ this.schema ~ '.' ~ this.identifier ~ "', '" ~ this.database
        ~ "', " ~ (model.config.get('meta', {}).get('reference', false) | lower) ~ ", [" ~ reads | join(', ') ~ "], '"
        ~ compiled_sql | replace("'", "''") ~ "')"
    ) -%}
{%- endmacro %}
