-- A view: its rows stand in the intermediate model already, and `warehouse.publish` writes them into the snapshot.
{{ config(materialized='view') }}

with

bureau_loans as (

    select * from {{ ref('int_bureau_loans') }}

),

listed as (

    select {{ contract_columns('bureau_loans') }}
    from bureau_loans

)

select * from listed
