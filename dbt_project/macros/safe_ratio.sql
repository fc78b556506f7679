{#
    The only division in the project: null when the denominator is zero or missing, never an infinity.
    numerator, denominator: SQL expressions.
#}
{% macro safe_ratio(numerator, denominator) -%}
    (cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}
