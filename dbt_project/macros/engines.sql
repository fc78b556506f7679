{# What engines have by one name and answer differently, said so that they answer alike. #}

{# Value of the row with the largest `by` among those that know the value: without the condition, Spark may answer null. #}
{% macro last_known(value, by) -%}
    max_by({{ value }}, case when {{ value }} is not null then {{ by }} end)
{%- endmacro %}

{# The same with the smallest `by`. #}
{% macro first_known(value, by) -%}
    min_by({{ value }}, case when {{ value }} is not null then {{ by }} end)
{%- endmacro %}
