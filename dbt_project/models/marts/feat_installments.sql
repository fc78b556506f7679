{% set window_days = [90, 365] %}

with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

installments_by_number as (

    select * from {{ ref('int_installments_by_number') }}

),

by_client as (

    select
        sk_id_curr,
        count(*) as installments_count,
        count(distinct sk_id_prev) as installments_loan_count,
        count(*) filter (where is_missed = 1) as installments_missed_count,
        max(num_instalment_version) as installments_version_max,
        cast(sum(payment_count) - count(*) as bigint) as installments_partial_payment_count,

        avg(days_past_due) as installments_days_past_due_mean,
        max(days_past_due) as installments_days_past_due_max,
        cast(sum(days_past_due) as bigint) as installments_days_past_due_sum,
        avg(days_before_due) as installments_days_before_due_mean,
        max(days_before_due) as installments_days_before_due_max,
        avg(case when days_past_due > 0 then 1.0 when days_past_due = 0 then 0.0 end) as installments_late_share,
        avg(case when days_past_due > 7 then 1.0 when days_past_due <= 7 then 0.0 end)
            as installments_late_over_7_days_share,
        avg(case when days_past_due > 30 then 1.0 when days_past_due <= 30 then 0.0 end)
            as installments_late_over_30_days_share,
        max(days_instalment) filter (where days_past_due > 0) as installments_days_late_last,

        {{ safe_ratio('sum(amt_payment)', 'sum(amt_instalment)') }} as installments_paid_to_owed_ratio,
        sum(amt_shortfall) as installments_shortfall_sum,
        max(amt_shortfall) as installments_shortfall_max,
        avg(amt_payment) as installments_payment_mean,
        max(amt_payment) as installments_payment_max,
        min(amt_payment) as installments_payment_min,
        max(amt_instalment) as installments_owed_max,

        {% for days in window_days %}
        count(*) filter (where days_instalment >= -{{ days }}) as installments_count_{{ days }}d,
        avg(days_past_due) filter (where days_instalment >= -{{ days }})
            as installments_days_past_due_mean_{{ days }}d,
        max(days_past_due) filter (where days_instalment >= -{{ days }})
            as installments_days_past_due_max_{{ days }}d,
        avg(days_before_due) filter (where days_instalment >= -{{ days }})
            as installments_days_before_due_mean_{{ days }}d,
        sum(amt_shortfall) filter (where days_instalment >= -{{ days }})
            as installments_shortfall_sum_{{ days }}d,
        {% endfor %}
        max(days_instalment) as installments_days_instalment_max
    from installments_by_number
    group by sk_id_curr

),

against_application as (

    select
        applications.sk_id_curr,
        case when by_client.sk_id_curr is null then 0 else 1 end as has_installments_history,
        {{ safe_ratio('applications.amt_annuity', 'by_client.installments_owed_max') }}
            as installments_application_annuity_to_owed_max_ratio,
        {{ safe_ratio('by_client.installments_payment_mean', 'applications.amt_annuity') }}
            as installments_payment_mean_to_annuity_ratio
    from applications
    left join by_client
        on applications.sk_id_curr = by_client.sk_id_curr

),

features as (

    select *
    from against_application
    left join by_client using (sk_id_curr)

)

select * from features
