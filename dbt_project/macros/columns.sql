{#
    dbt's own comments and check of contracts, for relations of hundreds of columns: dbt compares each column with each, and
    asks a view three times for its columns.
#}

{#
    Names of the columns of a relation, from what DuckDB has noted. Not by adapter.get_columns_in_relation: it reads a view
    again with all that it is made of, and opens a transaction, so that dbt would roll back what is recorded in it.
#}
{% macro names_of_columns(relation) -%}
    {%- set found = run_query(
        "select column_name from duckdb_columns() where database_name = current_database() and schema_name = '"
        ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "' order by column_index"
    ) -%}
    {{ return(found.columns[0].values() | list) }}
{%- endmacro %}

{# Comments of a relation and its columns in one statement. A contract has named the columns already. #}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set comments = [] -%}
    {%- if for_relation and config.persist_relation_docs() and model.description -%}
        {%- do comments.append("comment on " ~ relation.type ~ " " ~ relation ~ " is " ~ duckdb_escape_comment(model.description) | trim) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() and model.columns -%}
        {%- set columns = model.columns -%}
        {%- if not config.get('contract').enforced -%}
            {%- set columns = validate_doc_columns(relation, columns, names_of_columns(relation)) -%}
        {%- endif -%}
        {%- for name, column in columns.items() -%}
            {%- do comments.append(
                "comment on column " ~ relation ~ "." ~ adapter.quote(name) ~ " is "
                ~ duckdb_escape_comment(column.description) | trim
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if comments -%}{%- do run_query(comments | join(';\n')) -%}{%- endif -%}
{%- endmacro %}

{# Where the columns are those of the contract, all is well; what differs is left to dbt, which says it at length. #}
{% macro duckdb__get_assert_columns_equivalent(sql) -%}
    {%- set promised = [] -%}
    {%- for name, column in model.columns.items() -%}
        {%- do promised.append(name | lower ~ ' ' ~ column.data_type | lower) -%}
    {%- endfor -%}
    {%- set found = [] -%}
    {%- for column in get_column_schema_from_query(sql, config.get('sql_header', none)) -%}
        {%- do found.append(column.column | lower ~ ' ' ~ column.dtype | lower) -%}
    {%- endfor -%}
    {%- if promised | sort != found | sort -%}
        {{ return(assert_columns_equivalent(sql)) }}
    {%- endif -%}
{%- endmacro %}
