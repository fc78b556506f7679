{% set themes = risk_themes() %}

-- One row per application: the signs of risk, skewed ones by their logarithm.
with

applications as (

    select
        *,
        case name_education_type
            when 'Academic degree' then 4
            when 'Higher education' then 3
            when 'Incomplete higher' then 2
            when 'Secondary / secondary special' then 1
            when 'Lower secondary' then 0
        end as education_level
    from {{ ref('int_applications_unioned') }}

),

application as (

    select * from {{ ref('feat_application') }}

),

bureau as (

    select * from {{ ref('feat_bureau') }}

),

previous as (

    select * from {{ ref('feat_previous_application') }}

),

installments as (

    select * from {{ ref('feat_installments') }}

),

pos_cash as (

    select * from {{ ref('feat_pos_cash') }}

),

card as (

    select * from {{ ref('feat_credit_card') }}

),

-- to the linter the loop over the themes is empty
-- noqa: disable=LT02,ST11
signs as (

    select
        {% for theme in themes %}
        {% for sign in theme.signs %}
        {% set known = sign.sql if sign.unknown is undefined else 'coalesce(' ~ sign.sql ~ ', ' ~ sign.unknown ~ ')' %}
        {{ logarithm(known) if sign.skewed else 'cast(' ~ known ~ ' as double)' }} as {{ theme.name }}_{{ loop.index }},
        {% endfor %}
        {% endfor %}
        applications.sk_id_curr,
        applications.population
    from applications
    left join application
        on applications.sk_id_curr = application.sk_id_curr
    left join bureau
        on applications.sk_id_curr = bureau.sk_id_curr
    left join previous
        on applications.sk_id_curr = previous.sk_id_curr
    left join installments
        on applications.sk_id_curr = installments.sk_id_curr
    left join pos_cash
        on applications.sk_id_curr = pos_cash.sk_id_curr
    left join card
        on applications.sk_id_curr = card.sk_id_curr

)
-- noqa: enable=all

select * from signs
