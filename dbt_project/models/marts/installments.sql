-- A view: its rows stand in the intermediate model already, and `warehouse.publish` writes them into the snapshot.
{{ config(materialized='view') }}

with

installments as (

    select * from {{ ref('int_installments_by_number') }}

),

first_due as (

    select
        sk_id_prev,
        min(days_instalment) as days_first_instalment
    from installments
    group by sk_id_prev

),

aged as (

    select
        installments.*,
        first_due.days_first_instalment,
        installments.days_instalment - first_due.days_first_instalment as loan_age_days
    from installments
    inner join first_due
        on installments.sk_id_prev = first_due.sk_id_prev

),

listed as (

    select {{ contract_columns('installments') }}
    from aged

)

select * from listed
