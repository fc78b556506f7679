with

source as (

    select * from {{ source('home_credit', 'bureau') }}

),

renamed as (

    select
        SK_ID_CURR as sk_id_curr,
        SK_ID_BUREAU as sk_id_bureau,
        CREDIT_ACTIVE as credit_active,
        CREDIT_CURRENCY as credit_currency,
        DAYS_CREDIT as days_credit,
        CREDIT_DAY_OVERDUE as credit_day_overdue,
        case when DAYS_CREDIT_ENDDATE >= -40000 then DAYS_CREDIT_ENDDATE end as days_credit_enddate,
        case when DAYS_ENDDATE_FACT >= -40000 then DAYS_ENDDATE_FACT end as days_enddate_fact,
        AMT_CREDIT_MAX_OVERDUE as amt_credit_max_overdue,
        CNT_CREDIT_PROLONG as cnt_credit_prolong,
        AMT_CREDIT_SUM as amt_credit_sum,
        AMT_CREDIT_SUM_DEBT as amt_credit_sum_debt,
        AMT_CREDIT_SUM_LIMIT as amt_credit_sum_limit,
        AMT_CREDIT_SUM_OVERDUE as amt_credit_sum_overdue,
        CREDIT_TYPE as credit_type,
        -- 17 loans of the release were updated after the application: not known when it was decided
        case when DAYS_CREDIT_UPDATE between -40000 and 0 then DAYS_CREDIT_UPDATE end as days_credit_update,
        AMT_ANNUITY as amt_annuity
    from source

)

select * from renamed
