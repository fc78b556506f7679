{# Text that says "not available" in one of the release's two ways becomes null. #}
{% macro null_if_not_available(column) -%}
    case when {{ column }} not in ('XNA', 'XAP') then {{ column }} end
{%- endmacro %}

{# 365243 days after the application (a thousand years) is the release's way to say "never": null. #}
{% macro null_if_never(column) -%}
    nullif({{ column }}, 365243)
{%- endmacro %}

{# Two words become 1 and 0; anything else, and a missing word, null. #}
{% macro yes_no_to_flag(column, yes, no) -%}
    case {{ column }} when '{{ yes }}' then 1 when '{{ no }}' then 0 end
{%- endmacro %}
