{#
    Signs of risk by theme, chosen and signed by what lenders know, not by the label: `direction` 1 when more of it is a
    warning, -1 when less of it is. `skewed` ones are amounts, counts and ratios, taken by their logarithm. `unknown`: what
    a missing record means; without it, an unknown sign counts as the reference population's mean.
#}
{% macro risk_themes() -%}
    {{ return([
    {'name': 'indebtedness', 'signs': [
        {'sql': 'bureau.bureau_debt_to_credit_ratio_mean', 'direction': 1, 'skewed': true},
        {'sql': 'bureau.bureau_card_debt_to_credit_ratio_max', 'direction': 1, 'skewed': true},
        {'sql': 'bureau.bureau_active_loan_share', 'direction': 1},
        {'sql': 'bureau.bureau_debt_to_income_ratio', 'direction': 1, 'skewed': true},
        {'sql': 'bureau.bureau_debt_to_application_annuity_ratio', 'direction': 1, 'skewed': true},
        {'sql': 'card.card_utilisation_mean_12m', 'direction': 1},
        {'sql': 'card.card_balance_to_income_ratio', 'direction': 1, 'skewed': true},
        {'sql': 'card.card_drawings_count_mean', 'direction': 1, 'skewed': true},
    ]},
    {'name': 'recent_borrowing', 'signs': [
        {'sql': 'bureau.bureau_loan_count_12m', 'direction': 1, 'skewed': true},
        {'sql': 'bureau.bureau_days_credit_mean', 'direction': 1},
        {'sql': 'bureau.bureau_days_credit_max', 'direction': 1},
        {'sql': 'bureau.bureau_days_credit_update_mean', 'direction': 1},
        {'sql': 'previous.previous_count_12m', 'direction': 1, 'skewed': true},
        {'sql': 'previous.previous_days_decision_mean', 'direction': 1},
    ]},
    {'name': 'late_payment', 'signs': [
        {'sql': 'previous.previous_refused_share', 'direction': 1},
        {'sql': 'bureau.bureau_overdue_ever_max', 'direction': 1, 'skewed': true},
        {'sql': 'bureau.bureau_balance_severity_mean_12m', 'direction': 1},
        {'sql': 'bureau.bureau_balance_months_late_last', 'direction': 1},
        {'sql': 'installments.installments_late_share_365d', 'direction': 1},
        {'sql': 'installments.installments_days_past_due_mean', 'direction': 1, 'skewed': true},
        {'sql': 'pos_cash.pos_late_share', 'direction': 1},
        {'sql': 'pos_cash.pos_months_late_last', 'direction': 1},
    ]},
    {'name': 'instability', 'signs': [
        {'sql': 'applications.days_employed', 'direction': 1},
        {'sql': 'applications.days_registration', 'direction': 1},
        {'sql': 'applications.days_id_publish', 'direction': 1},
        {'sql': 'applications.days_last_phone_change', 'direction': 1},
        {'sql': 'applications.region_rating_client_w_city', 'direction': 1},
        {'sql': 'applications.reg_city_not_work_city', 'direction': 1},
        {'sql': 'applications.education_level', 'direction': -1},
        {'sql': 'bureau.bureau_days_credit_min', 'direction': 1},
        {'sql': 'pos_cash.pos_months_min', 'direction': 1},
    ]},
    {'name': 'loan_price', 'signs': [
        {'sql': 'previous.previous_cash_interest_share_mean', 'direction': 1},
        {'sql': 'previous.previous_interest_rate_max', 'direction': 1},
        {'sql': 'previous.previous_high_yield_share', 'direction': 1},
        {'sql': 'application.application_credit_to_goods_price_ratio', 'direction': 1},
    ]},
    {'name': 'thin_record', 'signs': [
        {'sql': 'bureau.bureau_closed_loan_count', 'unknown': 0, 'direction': -1, 'skewed': true},
        {'sql': 'bureau.bureau_active_credit_sum', 'unknown': 0, 'direction': -1, 'skewed': true},
        {'sql': 'bureau.bureau_balance_closed_month_share', 'unknown': 0, 'direction': -1},
        {'sql': 'previous.previous_approved_amt_annuity_max', 'unknown': 0, 'direction': -1, 'skewed': true},
        {'sql': 'previous.previous_rate_down_payment_mean', 'direction': -1},
        {'sql': 'previous.previous_consumer_amt_application_mean', 'direction': -1, 'skewed': true},
        {'sql': 'applications.amt_goods_price', 'direction': -1, 'skewed': true},
        {'sql': 'applications.floorsmax_avg', 'direction': -1},
    ]},
    {'name': 'low_ext_source', 'signs': [
        {'sql': 'applications.ext_source_1', 'direction': -1},
        {'sql': 'applications.ext_source_2', 'direction': -1},
        {'sql': 'applications.ext_source_3', 'direction': -1},
    ]},
    ]) }}
{%- endmacro %}
