{#
    Aggregate of a value over the rows that meet a condition ('true': over all).
    `filter (where ..)` says the same and takes twice as long: DuckDB copies every column of a chunk for each filter.
#}
{% macro aggregate_where(aggregate, value, condition) -%}
    {{ aggregate }}({{ value if condition == 'true' else 'case when ' ~ condition ~ ' then ' ~ value ~ ' end' }})
{%- endmacro %}
