-- Every application of both files has exactly one row of features, and no row belongs to nobody.
with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

client_features as (

    select * from {{ ref('client_features') }}

),

unmatched as (

    select
        applications.sk_id_curr as application_key,
        client_features.sk_id_curr as feature_key
    from applications
    full outer join client_features
        on applications.sk_id_curr = client_features.sk_id_curr
    where applications.sk_id_curr is null or client_features.sk_id_curr is null

)

select * from unmatched
