with

source as (

    select * from {{ source('home_credit', 'application_test') }}

),

renamed as (

    select
        {{ application_columns() }}
    from source

)

select * from renamed
