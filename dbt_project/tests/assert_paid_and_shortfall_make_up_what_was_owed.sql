-- What was paid and what fell short add up to at least what was owed, on every instalment with a payment.
select *
from {{ ref('int_installments_by_number') }}
where amt_payment + amt_shortfall < amt_instalment - 0.005
