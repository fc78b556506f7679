-- A view: every column stands in client_features already, under the name that a model knows it by.
{{ config(materialized='view') }}

with

client_features as (

    select * from {{ ref('client_features') }}

),

application_labels as (

    select * from {{ ref('application_labels') }}

),

overview as (

    select
        features.sk_id_curr,
        features.population,
        labels.target as has_defaulted,
        features.name_contract_type as loan_type,
        features.amt_credit as credit,
        features.amt_annuity as monthly_payment,
        features.amt_goods_price as goods_price,
        round(features.application_credit_to_annuity_ratio, 1) as payments_to_repay,
        features.amt_income_total as yearly_income,
        features.application_credit_to_income_ratio as credit_to_income,
        features.application_annuity_to_income_ratio as monthly_payment_to_income,
        round(-features.days_birth / 365.25, 1) as age_years,
        features.code_gender as gender,
        features.name_family_status as family_status,
        features.cnt_children as children,
        features.name_education_type as education,
        features.name_income_type as income_type,
        features.occupation_type as occupation,
        features.organization_type as employer,
        round(-features.days_employed / 365.25, 1) as years_in_job,
        features.name_housing_type as housing,
        features.flag_own_car as owns_car,
        features.flag_own_realty as owns_home,
        features.region_rating_client as region_rating,
        features.application_ext_source_mean as external_score,
        features.has_bureau_history,
        features.bureau_loan_count as loans_elsewhere,
        features.bureau_active_loan_count as active_loans_elsewhere,
        features.bureau_debt_sum as debt_elsewhere,
        features.bureau_overdue_sum as overdue_elsewhere,
        features.bureau_balance_late_month_count_12m as late_months_elsewhere_12m,
        features.has_previous_application as applied_before,
        features.previous_approved_count as approved_before,
        features.previous_refused_count as refused_before,
        features.installments_late_share as late_instalment_share,
        features.installments_days_past_due_max as longest_days_late,
        features.card_limit_max as card_limit,
        features.card_utilisation_last as card_utilisation,
        features.cross_debt_sum as total_debt,
        features.cross_debt_to_income_ratio as debt_to_income,
        round(-features.cross_days_first_contact / 365.25, 1) as years_since_first_loan
    from client_features as features
    inner join application_labels as labels
        on features.sk_id_curr = labels.sk_id_curr

)

select * from overview
