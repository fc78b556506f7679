with

source as (

    select * from {{ source('home_credit', 'POS_CASH_balance') }}

),

renamed as (

    select
        SK_ID_PREV as sk_id_prev,
        SK_ID_CURR as sk_id_curr,
        MONTHS_BALANCE as months_balance,
        CNT_INSTALMENT as cnt_instalment,
        CNT_INSTALMENT_FUTURE as cnt_instalment_future,
        {{ null_if_not_available("NAME_CONTRACT_STATUS") }} as name_contract_status,
        SK_DPD as sk_dpd,
        SK_DPD_DEF as sk_dpd_def
    from source

)

select * from renamed
