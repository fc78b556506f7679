-- A view: its rows stand in the intermediate model already, and `warehouse.publish` writes them into the snapshot.
{{ config(materialized='view') }}

with

graded as (

    select * from {{ ref('int_previous_applications_graded') }}

),

listed as (

    select {{ contract_columns('previous_applications') }}
    from graded

)

select * from listed
