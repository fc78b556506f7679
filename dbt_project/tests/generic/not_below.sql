{#
    A key or a number stays in its domain.
    minimum: the smallest value that may stand in the column.
#}
{% test not_below(model, column_name, minimum) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} < {{ minimum }}
{% endtest %}
