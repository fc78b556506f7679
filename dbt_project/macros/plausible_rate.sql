{# Yearly interest of the present loan at a number of payments, null below 8.5 %: nobody lends for less. #}
{% macro plausible_rate(term) -%}
    case
        when 24 * ({{ term }} * amt_annuity - amt_credit) >= 0.085 * amt_credit * {{ term + 1 }}
            then {{ safe_ratio('24 * (' ~ term ~ ' * amt_annuity - amt_credit)', 'amt_credit * ' ~ (term + 1)) }}
    end
{%- endmacro %}
