{#
    Comma-separated columns of a model as its contract lists them, for a select without `*`.
    model_name: a model of this project; leave_out: names that are not wanted.
#}
{% macro contract_columns(model_name, leave_out=[]) -%}
    {%- if execute -%}
        {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ model_name] -%}
        {%- for name in node.columns if name not in leave_out %}
        {{ name }}{{ ',' if not loop.last }}
        {%- endfor -%}
    {%- else -%}
        *
    {%- endif -%}
{%- endmacro %}
