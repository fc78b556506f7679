{#
    The key of a table: in every row, and once. One test, for each test costs a query and a step of every build.
    columns: the key; filled: further columns that hold a value in every row; minimum: the smallest value of the key.
#}
{% test key(model, columns, filled=[], minimum=none) %}
select {{ columns | join(', ') }}
from {{ model }}
where
    {{ (columns + filled) | join(' is null or ') }} is null
    {{ 'or ' ~ columns[0] ~ ' < ' ~ minimum if minimum is not none }}
union all
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
