{% set months = [12, 24] %}
{% set last_applications = [1, 3, 5] %}

with

applications as (

    select * from {{ ref('int_applications_unioned') }}

),

previous_application as (

    select * from {{ ref('stg_home_credit__previous_application') }}

),

graded as (

    select
        *,
        case when name_contract_status = 'Approved' then 1 else 0 end as is_approved,
        case when name_contract_status = 'Refused' then 1 else 0 end as is_refused,
        {{ safe_ratio('amt_application', 'amt_credit') }} as application_to_credit_ratio,
        {{ safe_ratio('amt_credit', 'amt_annuity') }} as credit_to_annuity_ratio,
        {{ safe_ratio('cnt_payment * amt_annuity - amt_credit', 'amt_credit') }} as interest_share,
        days_last_due_1st_version - days_last_due as days_paid_early,
        row_number() over (
            partition by sk_id_curr order by days_decision desc, sk_id_prev desc
        ) as recency_rank
    from previous_application

),

by_client as (

    select
        sk_id_curr,
        count(*) as previous_application_count,
        count(*) filter (where is_approved = 1) as previous_approved_count,
        count(*) filter (where is_refused = 1) as previous_refused_count,
        count(*) filter (where name_contract_status = 'Canceled') as previous_cancelled_count,
        count(*) filter (where is_still_running = 1) as previous_running_count,
        avg(is_approved) as previous_approved_share,
        avg(is_refused) as previous_refused_share,
        count(*) filter (where name_contract_type = 'Cash loans') as previous_cash_count,
        count(*) filter (where name_contract_type = 'Revolving loans') as previous_revolving_count,
        {% for month in months %}
        count(*) filter (where days_decision >= -30 * {{ month }}) as previous_application_count_{{ month }}m,
        count(*) filter (where is_refused = 1 and days_decision >= -30 * {{ month }})
            as previous_refused_count_{{ month }}m,
        {% endfor %}
        {% for last in last_applications %}
        avg(is_refused) filter (where recency_rank <= {{ last }}) as previous_refused_share_last_{{ last }},
        {% endfor %}
        avg(case when code_reject_reason = 'HC' then 1 else 0 end) as previous_reject_hc_share,
        avg(case when code_reject_reason in ('SCO', 'SCOFR') then 1 else 0 end) as previous_reject_score_share,
        avg(case when code_reject_reason = 'LIMIT' then 1 else 0 end) as previous_reject_limit_share,

        max(days_decision) as previous_days_decision_max,
        min(days_decision) as previous_days_decision_min,
        avg(days_decision) as previous_days_decision_mean,
        max(days_decision) filter (where is_approved = 1) as previous_approved_days_decision_max,
        max(days_decision) filter (where is_refused = 1) as previous_refused_days_decision_max,

        avg(amt_application) as previous_amt_application_mean,
        max(amt_credit) as previous_amt_credit_max,
        avg(amt_credit) filter (where is_approved = 1) as previous_approved_amt_credit_mean,
        max(amt_annuity) filter (where is_approved = 1) as previous_approved_amt_annuity_max,
        avg(amt_annuity) filter (where is_approved = 1) as previous_approved_amt_annuity_mean,
        sum(amt_annuity) filter (where is_still_running = 1) as previous_running_amt_annuity_sum,
        avg(amt_down_payment) as previous_amt_down_payment_mean,
        avg(rate_down_payment) as previous_down_payment_rate_mean,
        max(rate_down_payment) as previous_down_payment_rate_max,
        avg(application_to_credit_ratio) as previous_application_to_credit_ratio_mean,
        min(application_to_credit_ratio) as previous_application_to_credit_ratio_min,
        avg(cnt_payment) as previous_payment_count_mean,
        avg(cnt_payment) filter (where is_approved = 1) as previous_approved_payment_count_mean,
        avg(credit_to_annuity_ratio) filter (where is_approved = 1) as previous_approved_credit_to_annuity_ratio_mean,
        avg(interest_share) filter (where is_approved = 1) as previous_approved_interest_share_mean,
        max(interest_share) filter (where is_approved = 1) as previous_approved_interest_share_max,
        avg(days_paid_early) as previous_days_paid_early_mean,
        max(days_last_due) as previous_days_last_due_max,
        avg(case when name_yield_group = 'high' then 1 else 0 end) as previous_high_yield_share,
        avg(case when name_yield_group = 'low_action' then 1 else 0 end) as previous_low_action_yield_share,
        avg(nflag_insured_on_approval) as previous_insured_share,

        max(case when recency_rank = 1 then product_combination end) as previous_product_combination_last,
        max(case when recency_rank = 1 then code_reject_reason end) as previous_code_reject_reason_last
    from graded
    group by sk_id_curr

),

against_application as (

    select
        applications.sk_id_curr,
        case when by_client.sk_id_curr is null then 0 else 1 end as has_previous_application,
        {{ safe_ratio('by_client.previous_approved_amt_credit_mean', 'applications.amt_credit') }}
            as previous_approved_credit_to_application_credit_ratio,
        {{ safe_ratio('by_client.previous_approved_amt_annuity_max', 'applications.amt_annuity') }}
            as previous_approved_annuity_to_application_annuity_ratio,
        {{ safe_ratio('by_client.previous_running_amt_annuity_sum', 'applications.amt_income_total') }}
            as previous_running_annuity_to_income_ratio
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
