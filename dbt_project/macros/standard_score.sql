{#
    How many standard deviations a value lies from the mean of the population, cut at -3 and 3; null when it is unknown.
    statistics: prefix of the columns <prefix>_mean and <prefix>_std.
#}
{% macro standard_score(value, statistics) -%}
    case
        when {{ value }} is not null and {{ statistics }}_std > 0
            then greatest(-3, least(3, {{ safe_ratio('(' ~ value ~ ' - ' ~ statistics ~ '_mean)', statistics ~ '_std') }}))
    end
{%- endmacro %}

{# Logarithm of a skewed number that may be 0 or negative: it keeps the sign and the order. #}
{% macro logarithm(value) -%}
    sign({{ value }}) * ln(1 + abs(cast({{ value }} as double)))
{%- endmacro %}

{# Sum of the columns <prefix>_1 to <prefix>_<count>, unknown ones counting as 0. #}
{% macro known_sum(prefix, count) -%}
    {%- for number in range(1, count + 1) -%}
        coalesce({{ prefix }}_{{ number }}, 0){{ ' + ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# How many of the columns <prefix>_1 to <prefix>_<count> are known. #}
{% macro known_count(prefix, count) -%}
    {%- for number in range(1, count + 1) -%}
        case when {{ prefix }}_{{ number }} is null then 0 else 1 end{{ ' + ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#
    An index of 0 to 100 that is 50 at the reference population's median and higher when riskier: the logistic curve
    100 / (1 + exp(-1.7 * (value - median) / std)), close to the share of a normal population that lies below.
    statistics: prefix of the columns <prefix>_median and <prefix>_std.
#}
{% macro risk_index(value, statistics) -%}
    100 / (1 + exp(-1.7 * {{ safe_ratio('(' ~ value ~ ' - ' ~ statistics ~ '_median)', statistics ~ '_std') }}))
{%- endmacro %}
