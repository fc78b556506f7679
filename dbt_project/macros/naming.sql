{# Name of an aggregate: a mean of a 0/1 measure is a share. measure: {name, unit, says}. #}
{% macro aggregate_name(aggregate, measure) -%}
    {{ 'share' if measure.unit.startswith('share') and aggregate == 'mean' else aggregate }}
{%- endmacro %}

{# Words of an aggregate, in a label and in a description: of dates the smallest is the earliest, of times the shortest. #}
{% macro aggregate_words(aggregate, measure) -%}
    {%- set words = {
        'mean': 'mean', 'max': 'largest', 'min': 'smallest', 'sum': 'total', 'std': 'variation in', 'count': 'number of',
    } -%}
    {%- set of_dates = {'max': 'latest', 'min': 'earliest'} -%}
    {%- set of_times = {'max': 'longest', 'min': 'shortest'} -%}
    {%- if measure.unit.startswith('share') and aggregate == 'mean' -%}
        share of
    {%- elif measure.unit.endswith('from application') and aggregate in of_dates -%}
        {{ of_dates[aggregate] }}
    {%- elif measure.unit == 'days' and aggregate in of_times -%}
        {{ of_times[aggregate] }}
    {%- else -%}
        {{ words[aggregate] }}
    {%- endif -%}
{%- endmacro %}

{#
    The line that documents an aggregate: `[unit | theme | of the feature that counts its cases] label: Description.`
    measure: {unit, theme, label, says}, with `total` for the words of a sum where `label` and `says` do not fit it.
    over, within: the rows, in the description and at the end of the label; counted: the feature that counts them;
    single: there is one row, and the aggregate is its value; empty: what it is without a row, `; 0 when there is none`.
    A spread is no reason: an adviser cannot say what it means for the client.
#}
{% macro measured(aggregate, measure, over, within, counted, single=false, empty='') -%}
    {%- set total = measure.total if aggregate == 'sum' else none -%}
    {%- set words = '' if single else aggregate_words(aggregate, measure) ~ ' ' -%}
    {%- set meaning = ('standard deviation of ' if aggregate == 'std' else words) ~ (total or measure.says) -%}
    [{{ measure.unit }} | {{ measure.theme }} | of {{ counted }}{{ ' | not a reason' if aggregate == 'std' }}]
    {{- ' ' ~ words ~ (total or measure.label) }}{{ ', ' ~ within if within }}:
    {{- ' ' ~ (meaning[0] | upper) ~ meaning[1:] }}{{ ' of ' if single else ', over ' }}{{ over ~ empty }}.
{%- endmacro %}

{# Texts as SQL literals, null for none, with commas between them: thousands of calls, one for each, would take a second. #}
{% macro quoted(texts) -%}
    {%- for text in texts -%}
        {{ "'" ~ (text | replace("'", "''")) ~ "'" if text else 'cast(null as string)' }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# A number that scatters keys, the same in every run. #}
{% macro hash_of(column) -%}
    {{ return(adapter.dispatch('hash_of')(column)) }}
{%- endmacro %}

{% macro default__hash_of(column) -%} hash({{ column }}) {%- endmacro %}
