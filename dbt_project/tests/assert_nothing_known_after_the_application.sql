{#-
    Every date of every source but the contractual ends (days_credit_enddate, days_last_due_1st_version), which may lie in
    the future; of earlier loans, what has not come yet is null.
-#}
{% set dates = {
    'int_applications_unioned': [
        'days_birth', 'days_employed', 'days_registration', 'days_id_publish', 'days_last_phone_change',
    ],
    'stg_home_credit__bureau': ['days_credit', 'days_enddate_fact', 'days_credit_update'],
    'stg_home_credit__bureau_balance': ['months_balance'],
    'stg_home_credit__previous_application': [
        'days_decision', 'days_first_drawing', 'days_first_due', 'days_last_due', 'days_termination',
    ],
    'stg_home_credit__pos_cash_balance': ['months_balance'],
    'stg_home_credit__credit_card_balance': ['months_balance'],
    'stg_home_credit__installments_payments': ['days_instalment', 'days_entry_payment'],
} -%}
-- Nothing that features are made of happened after the application.
{% for model, columns in dates.items() %}
select
    '{{ model }}' as model,
    count(*) as row_count
from {{ ref(model) }}
where greatest({{ columns | join(', ') }}{{ ', 0' if columns | length == 1 }}) > 0
having count(*) > 0
{{ 'union all' if not loop.last }}
{%- endfor %}
