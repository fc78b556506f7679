{#
    Each month of a history stands there once.
    key: the loan that the months belong to; month: 0 for the month of the application, -1 for the one before, down to -126.
#}
{% test one_row_per_month(model, key, month) %}
{{ keys_with_a_number_twice(model, key, '-' ~ month) }}
{% endtest %}
