{{ config(materialized='view') }}

with

client_features as (

    select * from {{ ref('client_features') }}

),

to_be_scored as (

    select {{ contract_columns('scoring_set') }}
    from client_features
    where population = 'scoring'

)

select * from to_be_scored
