{{ config(materialized='view') }}

with

application_train as (

    select * from {{ ref('stg_home_credit__application_train') }}

),

application_test as (

    select * from {{ ref('stg_home_credit__application_test') }}

),

-- both sides come from the same list of columns, label first
unioned as (

    select
        'training' as population,
        *
    from application_train

    union all

    select
        'scoring' as population,
        cast(null as integer) as target,
        *
    from application_test

)

select * from unioned
