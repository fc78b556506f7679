{#
    Aggregate of a value over the rows that meet a condition ('true': over all); sums and means are exact (see exact.sql).
    `filter (where ..)` says the same and takes twice as long: DuckDB copies every column of a chunk for each filter.
    decimals: of the value, for sums and means; none when it is a whole number.
#}
{% macro aggregate_where(aggregate, value, condition, decimals=none) -%}
    {%- set here = value if condition == 'true' else 'case when ' ~ condition ~ ' then ' ~ value ~ ' end' -%}
    {%- if aggregate == 'sum' -%}
        {{ exact_sum(here, decimals) }}
    {%- elif aggregate == 'mean' -%}
        {{ exact_mean(here, decimals) }}
    {%- else -%}
        {{ aggregate }}({{ here }})
    {%- endif -%}
{%- endmacro %}

{# Decimals that are kept of a measure of this unit: three of an amount, six of a ratio or a share, none of what is counted. #}
{% macro decimals_of(unit) -%}
    {{ return({'currency': 3, 'ratio': 6, 'share 0..1': 6, 'payments': 6}.get(unit)) }}
{%- endmacro %}

{# Sum over the rows that meet a condition: 0 when none does, null when those that do have no value. #}
{% macro sum_where(value, condition, decimals=none) -%}
    {%- set total = aggregate_where('sum', value, condition, decimals) -%}
    {{ total if condition == 'true'
        else 'case when sum(case when ' ~ condition ~ ' then 1 else 0 end) = 0 then 0 else ' ~ total ~ ' end' }}
{%- endmacro %}
