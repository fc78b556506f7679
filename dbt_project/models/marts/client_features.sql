-- A view: every feature stands in a feat_* table already, and `warehouse.publish` writes the rows side by side.
{{ config(materialized='view') }}

with

application_labels as (

    select * from {{ ref('application_labels') }}

),

feat_application as (

    select * from {{ ref('feat_application') }}

),

feat_bureau as (

    select * from {{ ref('feat_bureau') }}

),

feat_previous_application as (

    select * from {{ ref('feat_previous_application') }}

),

feat_installments as (

    select * from {{ ref('feat_installments') }}

),

feat_pos_cash as (

    select * from {{ ref('feat_pos_cash') }}

),

feat_credit_card as (

    select * from {{ ref('feat_credit_card') }}

),

feat_cross_source as (

    select * from {{ ref('feat_cross_source') }}

),

spine as (

    select
        sk_id_curr,
        population
    from application_labels

),

joined as (

    -- every feat_* has one row per application; the first one is not put into a hash table
    select *
    from feat_application
    inner join spine using (sk_id_curr)
    left join feat_bureau using (sk_id_curr)
    left join feat_previous_application using (sk_id_curr)
    left join feat_installments using (sk_id_curr)
    left join feat_pos_cash using (sk_id_curr)
    left join feat_credit_card using (sk_id_curr)
    left join feat_cross_source using (sk_id_curr)

)

select * from joined
