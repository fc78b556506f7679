{#
    Evidence that a relation still is what was built: its shape (of a view its text, of a table its columns), of a table its
    row count and the hash of its keys too (columns sk_id_*; all columns when there is none), in any order of rows. It costs
    milliseconds. Values that were changed in place under the same keys are beyond it: the fingerprint of the quality gate
    finds them.
#}

{# What meta.build_state keeps of a relation that was built. `evidence` is the query that says the content of a table. #}
{% macro evidence_columns(relation) -%}
    {%- set name = "'" ~ relation.schema ~ "." ~ relation.identifier ~ "'" -%}
    {%- set columns = ", " ~ name ~ " as relation, (select shape from (" ~ shapes_sql() ~ ") where relation = " ~ name ~ ") as shape" -%}
    {%- if relation.is_view -%}
        {{ return(columns) }}
    {%- endif -%}
    {%- set keys = [] -%}
    {%- for name in names_of_columns(relation) if name.startswith('sk_id_') -%}
        {%- do keys.append(adapter.quote(name)) -%}
    {%- endfor -%}
    {%- set evidence -%}
        select count(*) || '/' || coalesce(sum(hash({{ keys | join(', ') or 'row_of_table' }})), 0) from {{ relation }} as row_of_table
    {%- endset -%}
    {{ return(columns ~ ", '" ~ evidence | replace("'", "''") ~ "' as evidence, (" ~ evidence ~ ") as content") }}
{%- endmacro %}

{# Shape of every relation of the warehouse, as one query. #}
{% macro shapes_sql() -%}
    select schema_name || '.' || view_name as relation, md5(sql) as shape
    from duckdb_views()
    where database_name = current_database() and not internal
    union all
    select schema_name || '.' || table_name as relation,
        md5(string_agg(column_name || ' ' || data_type, ',' order by column_index)) as shape
    from duckdb_columns()
    where database_name = current_database() and table_oid in (select table_oid from duckdb_tables())
    group by relation
{%- endmacro %}

{# Before the first node: whatever no longer is what was built loses its state, and is built again. #}
{% macro forget_what_was_changed() -%}
    {%- do run_query(
        "delete from meta.build_state as built where relation is not null and (not exists (select 1 from (" ~ shapes_sql()
        ~ ") as found where found.relation = built.relation and found.shape = built.shape) or unique_id like 'model.%' "
        ~ "and not exists (select 1 from meta.model_sql as kept where kept.relation = built.relation))"
    ) -%}
    {%- set found = [] -%}
    {%- for row in run_query("select unique_id, evidence from meta.build_state where evidence is not null") -%}
        {%- do found.append("select '" ~ row['unique_id'] ~ "' as unique_id, (" ~ row['evidence'] ~ ") as content") -%}
    {%- endfor -%}
    {%- if found -%}
        {%- do run_query(
            "delete from meta.build_state as built using (" ~ found | join(' union all ')
            ~ ") as found where built.unique_id = found.unique_id and built.content is distinct from found.content"
        ) -%}
    {%- endif -%}
{%- endmacro %}
