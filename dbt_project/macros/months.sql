{# Keys that have a month more than once, or a month outside 0..-126. #}
{% macro default__keys_with_a_month_twice(relation, key, month) %}
    select {{ key }}
    from {{ relation }}
    group by {{ key }}, {{ month }}
    having count(*) > 1 or {{ month }} is null or {{ month }} not between -126 and 0
{% endmacro %}

{#
    Months are gathered as the bits of one number per loan: as many bits as rows means that none stands twice. Grouping by
    loan and month instead takes twelve times as long on the 27 million rows of bureau_balance.
#}
{% macro duckdb__keys_with_a_month_twice(relation, key, month) %}
    select {{ key }}
    from {{ relation }}
    group by {{ key }}
    having
        count(*) <> coalesce(bit_count(bit_or(
            case when {{ month }} between -126 and 0 then cast(1 as hugeint) << (-{{ month }}) end
        )), 0)
{% endmacro %}
