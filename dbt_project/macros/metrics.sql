{#
    What the business measures, each written once: analyses and marts call these, `_metrics.yml` describes them.
    All are aggregates over the rows at hand. `label`: 1 defaulted, 0 repaid, null not known yet.
#}

{# Share of labelled applications with payment difficulties. #}
{% macro default_rate(label='target') -%} avg({{ label }}) {%- endmacro %}

{# Applications with payment difficulties. #}
{% macro defaulter_count(label='target') -%} sum({{ label }}) {%- endmacro %}

{# Standard error of a share of ones; null where all are alike, for it would say 0. #}
{% macro rate_standard_error(flag='target') -%}
    {{ safe_ratio('nullif(stddev_samp(' ~ flag ~ '), 0)', 'sqrt(count(' ~ flag ~ '))') }}
{%- endmacro %}

{# Share of earlier applications that were approved. Cancelled and unused ones count as not approved. #}
{% macro approval_rate() -%} avg(is_approved) {%- endmacro %}

{# Share of earlier applications that were refused. #}
{% macro refusal_rate() -%} avg(is_refused) {%- endmacro %}

{# Credit asked for, in the currency of the release. #}
{% macro exposure(amount='amt_credit') -%} sum({{ amount }}) {%- endmacro %}

{# Credit lent to defaulters over credit lent, labelled applications only: a default rate weighed by amount. #}
{% macro defaulted_credit_share(amount='amt_credit', label='target') -%}
    {{ safe_ratio(
        'sum(' ~ amount ~ ' * ' ~ label ~ ')', 'sum(case when ' ~ label ~ ' is not null then ' ~ amount ~ ' end)'
    ) }}
{%- endmacro %}
