with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

labels as (

    select
        sk_id_curr,
        population,
        target
    from applications

)

select * from labels
