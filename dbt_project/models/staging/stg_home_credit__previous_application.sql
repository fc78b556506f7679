with

source as (

    select * from {{ source('home_credit', 'previous_application') }}

),

renamed as (

    select
        SK_ID_PREV as sk_id_prev,
        SK_ID_CURR as sk_id_curr,
        {{ null_if_not_available("NAME_CONTRACT_TYPE") }} as name_contract_type,
        AMT_ANNUITY as amt_annuity,
        AMT_APPLICATION as amt_application,
        AMT_CREDIT as amt_credit,
        AMT_DOWN_PAYMENT as amt_down_payment,
        AMT_GOODS_PRICE as amt_goods_price,
        WEEKDAY_APPR_PROCESS_START as weekday_appr_process_start,
        HOUR_APPR_PROCESS_START as hour_appr_process_start,
        {{ yes_no_to_flag("FLAG_LAST_APPL_PER_CONTRACT", yes="Y", no="N") }} as flag_last_appl_per_contract,
        NFLAG_LAST_APPL_IN_DAY as nflag_last_appl_in_day,
        RATE_DOWN_PAYMENT as rate_down_payment,
        RATE_INTEREST_PRIMARY as rate_interest_primary,
        RATE_INTEREST_PRIVILEGED as rate_interest_privileged,
        {{ null_if_not_available("NAME_CASH_LOAN_PURPOSE") }} as name_cash_loan_purpose,
        NAME_CONTRACT_STATUS as name_contract_status,
        DAYS_DECISION as days_decision,
        {{ null_if_not_available("NAME_PAYMENT_TYPE") }} as name_payment_type,
        {{ null_if_not_available("CODE_REJECT_REASON") }} as code_reject_reason,
        NAME_TYPE_SUITE as name_type_suite,
        {{ null_if_not_available("NAME_CLIENT_TYPE") }} as name_client_type,
        {{ null_if_not_available("NAME_GOODS_CATEGORY") }} as name_goods_category,
        {{ null_if_not_available("NAME_PORTFOLIO") }} as name_portfolio,
        {{ null_if_not_available("NAME_PRODUCT_TYPE") }} as name_product_type,
        CHANNEL_TYPE as channel_type,
        nullif(SELLERPLACE_AREA, -1) as sellerplace_area,
        {{ null_if_not_available("NAME_SELLER_INDUSTRY") }} as name_seller_industry,
        -- 0 payments: a revolving loan, which has no term
        nullif(CNT_PAYMENT, 0) as cnt_payment,
        {{ null_if_not_available("NAME_YIELD_GROUP") }} as name_yield_group,
        PRODUCT_COMBINATION as product_combination,
        {{ null_if_never("DAYS_FIRST_DRAWING") }} as days_first_drawing,
        {{ null_if_never("DAYS_FIRST_DUE") }} as days_first_due,
        {{ null_if_never("DAYS_LAST_DUE_1ST_VERSION") }} as days_last_due_1st_version,
        {{ null_if_never("DAYS_LAST_DUE") }} as days_last_due,
        -- 365243 as the last due date of an approved loan says that it is still being paid
        case when DAYS_LAST_DUE = 365243 and NAME_CONTRACT_STATUS = 'Approved' then 1 else 0 end as is_still_running,
        {{ null_if_never("DAYS_TERMINATION") }} as days_termination,
        NFLAG_INSURED_ON_APPROVAL as nflag_insured_on_approval
    from source

)

select * from renamed
