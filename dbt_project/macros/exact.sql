{#
    Sums that do not depend on the order of rows, and so not on the number of threads: sums of whole numbers, which a double
    holds exactly below 2 ** 53. A number with decimals is counted in units of its last one: amounts have three, ratios are
    rounded to six.
    decimals: how many to keep, halves up; none for what is a whole number already (days, months, counts, flags).
#}
{% macro in_units(value, decimals=none) -%}
    {%- if decimals is none -%}
        cast({{ value }} as double)
    {%- else -%}
        floor(cast({{ value }} as double) * 1e{{ decimals }} + 0.5)
    {%- endif -%}
{%- endmacro %}

{# A sum of units, or their mean, as a number again. #}
{% macro from_units(value, decimals=none) -%}
    {{ value if decimals is none else '(' ~ value ~ ') / 1e' ~ decimals }}
{%- endmacro %}

{% macro exact_sum(value, decimals=none) -%}
    {{ from_units('sum(' ~ in_units(value, decimals) ~ ')', decimals) }}
{%- endmacro %}

{% macro exact_mean(value, decimals=none) -%}
    {{ from_units('avg(' ~ in_units(value, decimals) ~ ')', decimals) }}
{%- endmacro %}

{# Mean of the squares: their units are too large for a double, a decimal adds them up. #}
{% macro exact_mean_square(value, decimals) -%}
    {%- set units = 'cast(' ~ in_units(value, decimals) ~ ' as decimal(19, 0))' -%}
    {{ safe_ratio('sum(' ~ units ~ ' * ' ~ units ~ ')', 'count(' ~ value ~ ')') }} / 1e{{ 2 * decimals }}
{%- endmacro %}

{# Standard deviation by two means; 0 where the smallest value is the largest, never the rounding of their difference. #}
{% macro deviation(mean_square, mean, smallest, largest) -%}
    case
        when {{ smallest }} = {{ largest }} then 0.0
        else sqrt(greatest({{ mean_square }} - ({{ mean }}) * ({{ mean }}), 0))
    end
{%- endmacro %}
