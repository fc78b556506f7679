{# Schemas are named staging, intermediate and marts as they are: other programs rely on these names. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
