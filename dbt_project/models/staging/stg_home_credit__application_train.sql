with

source as (

    select * from {{ source('home_credit', 'application_train') }}

),

renamed as (

    select
        TARGET as target,
        {{ application_columns() }}
    from source

)

select * from renamed
