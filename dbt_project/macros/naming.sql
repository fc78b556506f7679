{# Words and names of aggregates: a mean of a 0/1 measure is a share. measure: {name, unit, says}. #}
{% macro aggregate_name(aggregate, measure) -%}
    {{ 'share' if measure.unit.startswith('share') and aggregate == 'mean' else aggregate }}
{%- endmacro %}

{% macro aggregate_words(aggregate, measure) -%}
    {%- set words = {
        'mean': 'Mean', 'max': 'Largest', 'min': 'Smallest', 'sum': 'Sum of', 'std': 'Standard deviation of', 'slope': 'Slope of',
        'count': 'Number of',
    } -%}
    {{ 'Share of' if measure.unit.startswith('share') and aggregate == 'mean' else words[aggregate] }} {{ measure.says }}
{%- endmacro %}

{# A text as an SQL literal; null for none. #}
{% macro quoted(text) -%}
    {{ "'" ~ (text | replace("'", "''")) ~ "'" if text else 'cast(null as string)' }}
{%- endmacro %}

{# A number that scatters keys, the same in every run. #}
{% macro hash_of(column) -%}
    {{ return(adapter.dispatch('hash_of')(column)) }}
{%- endmacro %}

{% macro default__hash_of(column) -%} hash({{ column }}) {%- endmacro %}
