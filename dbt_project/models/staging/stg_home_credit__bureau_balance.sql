with

source as (

    select * from {{ source('home_credit', 'bureau_balance') }}

),

renamed as (

    select
        SK_ID_BUREAU as sk_id_bureau,
        MONTHS_BALANCE as months_balance,
        STATUS as status
    from source

)

select * from renamed
