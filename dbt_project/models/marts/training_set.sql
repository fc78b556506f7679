{{ config(materialized='view') }}

with

application_labels as (

    select * from {{ ref('application_labels') }}

),

client_features as (

    select * from {{ ref('client_features') }}

),

labels as (

    select
        sk_id_curr,
        target
    from application_labels
    where population = 'training'

),

labelled as (

    select {{ contract_columns('training_set') }}
    from labels
    inner join client_features using (sk_id_curr)

)

select * from labelled
