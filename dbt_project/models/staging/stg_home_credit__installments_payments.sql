with

source as (

    select * from {{ source('home_credit', 'installments_payments') }}

),

renamed as (

    select
        SK_ID_PREV as sk_id_prev,
        SK_ID_CURR as sk_id_curr,
        NUM_INSTALMENT_VERSION as num_instalment_version,
        NUM_INSTALMENT_NUMBER as num_instalment_number,
        DAYS_INSTALMENT as days_instalment,
        -- a payment after the application is not known when it is decided
        case when DAYS_ENTRY_PAYMENT <= 0 then DAYS_ENTRY_PAYMENT end as days_entry_payment,
        AMT_INSTALMENT as amt_instalment,
        case when DAYS_ENTRY_PAYMENT <= 0 then AMT_PAYMENT end as amt_payment
    from source

)

select * from renamed
