{#
    A loan belongs to one client, so that its history can be aggregated by the loan alone; every row names its loan.
    loan, client: their keys.
#}
{% test one_client_per_loan(model, loan, client) %}
select {{ loan }}
from {{ model }}
group by {{ loan }}
having {{ loan }} is null or min({{ client }}) <> max({{ client }})
{% endtest %}
