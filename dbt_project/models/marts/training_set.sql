{{ config(materialized='view') }}

with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

client_features as (

    select * from {{ ref('client_features') }}

),

labels as (

    select
        sk_id_curr,
        target
    from applications
    where population = 'training'

),

labelled as (

    select {{ contract_columns('training_set') }}
    from labels
    inner join client_features using (sk_id_curr)

)

select * from labelled
