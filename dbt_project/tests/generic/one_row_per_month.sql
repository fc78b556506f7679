{#
    Each month of a history stands there once, and names its loan.
    key: the loan that the months belong to; month: 0 for the month of the application, -1 for the one before, down to -126;
    client: whose loan it is, the same in all months, so that the history can be aggregated by the loan alone.
#}
{% test one_row_per_month(model, key, month, client=none) %}
{{ keys_with_a_number_twice(model, key, '-' ~ month, client) }}
union all
select {{ key }}
from {{ model }}
where {{ key }} is null
{% endtest %}
