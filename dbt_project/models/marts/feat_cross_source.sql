{# Themes of risk (see int_application_risk_themes) and what they look at. #}
{% set themes = {
    'indebtedness': 'debt against credit, limit and income',
    'recent_borrowing': 'loans and applications that are recent and many',
    'late_payment': 'refusals, overdue amounts and late instalments',
    'instability': 'new address, document, phone, work and history, low education',
    'loan_price': 'interest on earlier loans and credit above the price of the goods',
    'thin_record': 'few loans repaid and small ones, little paid down',
    'low_ext_source': 'the three external scores',
    'all_signs': 'the signs of all seven together',
} %}

{% set theme_of = {
    'indebtedness': 'debt', 'recent_borrowing': 'bureau_history', 'late_payment': 'punctuality', 'instability': 'identity',
    'loan_price': 'previous_terms', 'thin_record': 'bureau_history', 'low_ext_source': 'external_scores', 'all_signs': 'overall',
} %}
{% set index_words = {
    'indebtedness': 'indebtedness', 'recent_borrowing': 'recent borrowing', 'late_payment': 'late payment',
    'instability': 'instability', 'loan_price': 'expensive loans', 'thin_record': 'a thin record of loans',
    'low_ext_source': 'low external scores', 'all_signs': 'all signs of risk',
} %}

-- One row per application: debt, duty, lateness and contact over all sources together.
with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

bureau as (

    select * from {{ ref('feat_bureau') }}

),

previous as (

    select * from {{ ref('feat_previous_application') }}

),

installments as (

    select * from {{ ref('feat_installments') }}

),

pos_cash as (

    select * from {{ ref('feat_pos_cash') }}

),

credit_card as (

    select * from {{ ref('feat_credit_card') }}

),

risk_themes as (

    select * from {{ ref('int_application_risk_themes') }}

),

peers as (

    select * from {{ ref('int_application_peers') }}

),

gathered as (

    select
        applications.sk_id_curr,
        applications.amt_income_total,
        applications.amt_credit,
        applications.amt_annuity,
        bureau.has_bureau_history + previous.has_previous_application + installments.has_installments_history
        + pos_cash.has_pos_cash_history + credit_card.has_credit_card_history as source_count,
        bureau.bureau_active_debt_sum,
        previous.previous_running_future_payment_sum,
        credit_card.card_balance_last,
        bureau.bureau_active_annuity_sum,
        previous.previous_running_annuity_sum as running_annuity,
        previous.previous_approved_cnt_payment_mean,
        bureau.bureau_days_credit_min,
        previous.previous_days_decision_min,
        pos_cash.pos_months_min,
        credit_card.card_months_min,
        installments.installments_days_instalment_min,
        bureau.bureau_balance_months_late_last,
        pos_cash.pos_months_late_last,
        credit_card.card_months_late_last,
        installments.installments_days_late_last,
        installments.installments_days_past_due_max,
        pos_cash.pos_days_past_due_tolerated_max,
        credit_card.card_days_past_due_tolerated_max,
        bureau.bureau_loan_count,
        previous.previous_approved_count
    from applications
    left join bureau
        on applications.sk_id_curr = bureau.sk_id_curr
    left join previous
        on applications.sk_id_curr = previous.sk_id_curr
    left join installments
        on applications.sk_id_curr = installments.sk_id_curr
    left join pos_cash
        on applications.sk_id_curr = pos_cash.sk_id_curr
    left join credit_card
        on applications.sk_id_curr = credit_card.sk_id_curr

),

summed as (

    select
        *,
        case
            when coalesce(bureau_active_debt_sum, previous_running_future_payment_sum, card_balance_last) is not null
                then
                    coalesce(bureau_active_debt_sum, 0) + coalesce(previous_running_future_payment_sum, 0)
                    + coalesce(card_balance_last, 0)
        end as debt,
        case
            when coalesce(bureau_active_annuity_sum, running_annuity) is not null
                then
                    coalesce(bureau_active_annuity_sum, 0) + coalesce(running_annuity, 0)
        end as monthly_duty
    from gathered

),

features as (

    select
        summed.sk_id_curr,
        -- [count | previous_terms] sources that know the client: How many of the five sources of history know the client.
        summed.source_count as cross_source_count,
        -- [currency | debt] total debt everywhere: Total debt of active bureau loans, what is left of running Home Credit loans and the last card balance, negative when overpaid; null when none of them is known.
        summed.debt as cross_debt_sum,
        -- [ratio | debt] total debt everywhere over yearly income: Total debt everywhere over yearly income, negative when overpaid; null when no debt is known.
        {{ safe_ratio('summed.debt', 'summed.amt_income_total') }} as cross_debt_to_income_ratio,
        -- [ratio | debt] total debt everywhere over the credit asked for: Total debt everywhere over the credit now asked for, negative when overpaid; null when no debt is known.
        {{ safe_ratio('summed.debt', 'summed.amt_credit') }} as cross_debt_to_application_credit_ratio,
        -- [ratio | debt] total debt with this loan over yearly income: Total debt everywhere and the credit now asked for over yearly income, negative when more than that is overpaid.
        {{ safe_ratio('coalesce(summed.debt, 0) + summed.amt_credit', 'summed.amt_income_total') }}
            as cross_debt_with_application_to_income_ratio,
        -- [ratio | debt] all monthly payments with this one over yearly income: Monthly payments of running loans, the bureau's included, and of this loan over yearly income.
        {{ safe_ratio('coalesce(summed.monthly_duty, 0) + summed.amt_annuity', 'summed.amt_income_total') }}
            as cross_duty_with_application_to_income_ratio,
        -- [ratio | debt] monthly payments of running loans over this one: Monthly payments of running loans over the annuity of this loan; null when no running loan is known.
        {{ safe_ratio('summed.monthly_duty', 'summed.amt_annuity') }} as cross_duty_to_application_annuity_ratio,
        -- [ratio | debt] Home Credit's part of the total debt: Home Credit's part of the total debt everywhere, above 1 or negative when a loan or card is overpaid; null when no debt is known.
        {{ safe_ratio(
            'coalesce(summed.previous_running_future_payment_sum, 0) + coalesce(summed.card_balance_last, 0)', 'summed.debt'
        ) }} as cross_home_credit_debt_ratio,
        -- [days from application | previous_terms] first contact ever with a lender: First contact ever with a lender; null when no source knows the client.
        least(
            summed.bureau_days_credit_min, summed.previous_days_decision_min, summed.installments_days_instalment_min,
            30 * summed.pos_months_min, 30 * summed.card_months_min
        ) as cross_days_first_contact,
        -- [days from application | punctuality] last lateness anywhere: Most recent lateness on any loan or card; null when never late.
        greatest(
            30 * summed.bureau_balance_months_late_last, 30 * summed.pos_months_late_last,
            30 * summed.card_months_late_last, summed.installments_days_late_last
        ) as cross_days_late_last,
        -- [days | punctuality] longest lateness on a Home Credit loan: Longest lateness on any Home Credit loan, of an instalment or of a month with tolerance for small debts.
        greatest(
            summed.installments_days_past_due_max, summed.pos_days_past_due_tolerated_max, summed.card_days_past_due_tolerated_max
        ) as cross_days_past_due_max,
        -- [ratio | bureau_history] approved Home Credit loans over loans elsewhere: Approved Home Credit loans over bureau loans; null when one of the two is unknown.
        {{ safe_ratio('summed.previous_approved_count', 'summed.bureau_loan_count') }}
            as cross_home_credit_to_bureau_loan_ratio,
        -- [payments | loan | not a reason] number of payments before, clients with a similar loan: Mean number of payments approved before, among labelled clients with the same credit over annuity, to a quarter of a payment.
        peers.product_term_cnt_payment_mean as cross_product_term_cnt_payment_mean,
        -- [payments | previous_terms | not a reason] number of payments before against similar loans: Mean number of payments approved before minus its mean among labelled clients with the same credit over annuity, to a quarter of a payment.
        peers.product_term_cnt_payment_difference as cross_product_term_cnt_payment_difference,
        -- [ratio | loan | not a reason] interest rate before, clients with a similar loan: Mean yearly interest rate approved before, among labelled clients with the same credit over annuity, to a quarter of a payment.
        peers.product_term_interest_rate_mean as cross_product_term_interest_rate_mean,
        -- [share 0..1 | loan | not a reason] share refused before, clients with a similar loan: Mean share of previous applications refused, among labelled clients with the same credit over annuity, to a quarter of a payment.
        peers.product_term_refused_share_mean as cross_product_term_refused_share,
        -- [ratio | loan] yearly interest rate of this loan at the earlier term: Yearly interest rate of this loan if its term were the mean one approved before, negative when it could not be repaid in that.
        {{ safe_ratio(
            '24 * (summed.previous_approved_cnt_payment_mean * summed.amt_annuity - summed.amt_credit)',
            'summed.amt_credit * (summed.previous_approved_cnt_payment_mean + 1)'
        ) }} as cross_interest_rate_at_previous_term,
        {% for theme, signs in themes.items() %}
        -- [index 0..100 | {{ theme_of[theme] }}{{ ' | not a reason' if theme == 'all_signs' }}] index of {{ index_words[theme] }}: Index of {{ index_words[theme] }} ({{ signs }}), where 50 is the labelled clients' median, higher is riskier and unknown signs count as average; never null.
        risk_themes.{{ theme }}_index as cross_{{ theme }}_index,
        {% endfor %}
        -- [ratio | loan | not a reason] yearly interest rate of this loan at the usual term: Yearly interest rate of this loan if its term were the mean one of labelled clients with the same credit over annuity, to a quarter of a payment, negative when it could not be repaid in that.
        {{ safe_ratio(
            '24 * (peers.product_term_cnt_payment_mean * summed.amt_annuity - summed.amt_credit)',
            'summed.amt_credit * (peers.product_term_cnt_payment_mean + 1)'
        ) }} as cross_interest_rate_at_peers_term
    from summed
    left join risk_themes
        on summed.sk_id_curr = risk_themes.sk_id_curr
    left join peers
        on summed.sk_id_curr = peers.sk_id_curr

)

select * from features
