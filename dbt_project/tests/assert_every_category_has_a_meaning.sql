{{ config(severity='warn') }}
{% set described = [
    ('feat_application', ref('feat_application'), [
        'name_contract_type', 'code_gender', 'name_type_suite', 'name_income_type', 'name_education_type',
        'name_family_status', 'name_housing_type', 'occupation_type', 'weekday_appr_process_start', 'organization_type',
        'fondkapremont_mode', 'housetype_mode', 'wallsmaterial_mode',
    ]),
    ('feat_previous_application', ref('feat_previous_application'), [
        'previous_product_combination_last', 'previous_code_reject_reason_last', 'previous_name_yield_group_last',
        'previous_name_goods_category_last', 'previous_channel_type_last', 'previous_name_client_type_last',
        'previous_name_contract_status_last',
    ]),
    ('previous_applications', ref('previous_applications'), [
        'name_contract_type', 'name_contract_status', 'weekday_appr_process_start', 'code_reject_reason',
        'name_cash_loan_purpose', 'name_goods_category', 'name_client_type', 'name_yield_group', 'channel_type',
        'product_combination',
    ]),
    ('bureau_loans', ref('bureau_loans'), ['credit_active', 'credit_type']),
] %}

-- A category of the marts has a value that category_values does not explain: new in the raw files, or misspelled.
with

category_values as (

    select * from {{ ref('category_values') }}

),

found as (

    {% for mart, relation, names in described %}
    {% for name in names %}
    select distinct
        '{{ mart }}' as mart,
        '{{ name }}' as column_name,
        {{ name }} as category_value
    from {{ relation }}
    where {{ name }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

unexplained as (

    select found.*
    from found
    left join category_values
        on
            found.mart = category_values.mart
            and found.column_name = category_values.column_name
            and found.category_value = category_values.category_value
    where category_values.category_value is null

)

select * from unexplained
