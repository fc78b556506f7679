{#
    Signs of risk by theme, chosen and signed by what lenders know, not by the label: `direction` 1 when more of it is a
    warning, -1 when less of it is. `skewed` ones are amounts, counts and ratios, taken by their logarithm.
#}
{% set themes = {
    'indebtedness': [
        {'sql': 'bureau.bureau_debt_to_credit_ratio_mean', 'direction': 1, 'skewed': true},
        {'sql': 'bureau.bureau_card_debt_to_credit_ratio_max', 'direction': 1, 'skewed': true},
        {'sql': 'bureau.bureau_active_loan_share', 'direction': 1},
        {'sql': 'bureau.bureau_debt_to_income_ratio', 'direction': 1, 'skewed': true},
        {'sql': 'bureau.bureau_debt_to_application_annuity_ratio', 'direction': 1, 'skewed': true},
        {'sql': 'card.card_utilisation_mean_6m', 'direction': 1},
        {'sql': 'card.card_balance_to_income_ratio', 'direction': 1, 'skewed': true},
        {'sql': 'card.card_drawings_count_mean', 'direction': 1, 'skewed': true},
    ],
    'recent_borrowing': [
        {'sql': 'bureau.bureau_loan_count_12m', 'direction': 1, 'skewed': true},
        {'sql': 'bureau.bureau_days_credit_mean', 'direction': 1},
        {'sql': 'bureau.bureau_days_credit_max', 'direction': 1},
        {'sql': 'bureau.bureau_days_credit_update_mean', 'direction': 1},
        {'sql': 'previous.previous_count_12m', 'direction': 1, 'skewed': true},
        {'sql': 'previous.previous_days_decision_mean', 'direction': 1},
    ],
    'late_payment': [
        {'sql': 'previous.previous_refused_share', 'direction': 1},
        {'sql': 'bureau.bureau_overdue_ever_max', 'direction': 1, 'skewed': true},
        {'sql': 'bureau.bureau_balance_severity_mean_12m', 'direction': 1},
        {'sql': 'bureau.bureau_balance_months_late_last', 'direction': 1},
        {'sql': 'installments.installments_late_share_365d', 'direction': 1},
        {'sql': 'installments.installments_days_past_due_mean', 'direction': 1, 'skewed': true},
        {'sql': 'pos_cash.pos_late_share', 'direction': 1},
        {'sql': 'pos_cash.pos_months_late_last', 'direction': 1},
    ],
    'instability': [
        {'sql': 'applications.days_employed', 'direction': 1},
        {'sql': 'applications.days_registration', 'direction': 1},
        {'sql': 'applications.days_id_publish', 'direction': 1},
        {'sql': 'applications.days_last_phone_change', 'direction': 1},
        {'sql': 'applications.region_rating_client_w_city', 'direction': 1},
        {'sql': 'applications.reg_city_not_work_city', 'direction': 1},
        {'sql': 'applications.education_level', 'direction': -1},
        {'sql': 'bureau.bureau_days_credit_min', 'direction': 1},
        {'sql': 'pos_cash.pos_months_min', 'direction': 1},
    ],
    'loan_price': [
        {'sql': 'previous.previous_cash_interest_share_mean', 'direction': 1},
        {'sql': 'previous.previous_interest_rate_max', 'direction': 1},
        {'sql': 'previous.previous_high_yield_share', 'direction': 1},
        {'sql': 'application.application_credit_to_goods_price_ratio', 'direction': 1},
    ],
    'thin_record': [
        {'sql': 'bureau.bureau_closed_loan_count', 'direction': -1, 'skewed': true},
        {'sql': 'bureau.bureau_active_credit_sum', 'direction': -1, 'skewed': true},
        {'sql': 'bureau.bureau_balance_closed_month_share', 'direction': -1},
        {'sql': 'previous.previous_approved_amt_annuity_max', 'direction': -1, 'skewed': true},
        {'sql': 'previous.previous_rate_down_payment_mean', 'direction': -1},
        {'sql': 'previous.previous_consumer_amt_application_mean', 'direction': -1, 'skewed': true},
        {'sql': 'applications.amt_goods_price', 'direction': -1, 'skewed': true},
        {'sql': 'applications.floorsmax_avg', 'direction': -1},
    ],
    'low_ext_source': [
        {'sql': 'applications.ext_source_1', 'direction': -1},
        {'sql': 'applications.ext_source_2', 'direction': -1},
        {'sql': 'applications.ext_source_3', 'direction': -1},
    ],
} %}
-- One row per application: standard scores of seven themes of risk, each the mean of the known standard scores of its signs.
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

signs as (

    select
        {% for theme, signs in themes.items() %}
        {% for sign in signs %}
        {{ logarithm(sign.sql) if sign.skewed else 'cast(' ~ sign.sql ~ ' as double)' }} as {{ theme }}_{{ loop.index }},
        {% endfor %}
        {% endfor %}
        applications.sk_id_curr
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

),

population_of_signs as (

    select
        {% for theme, signs in themes.items() %}
        {% for sign in signs %}
        avg({{ theme }}_{{ loop.index }}) as {{ theme }}_{{ loop.index }}_mean,
        stddev_samp({{ theme }}_{{ loop.index }}) as {{ theme }}_{{ loop.index }}_std,
        {% endfor %}
        {% endfor %}
        count(*) as client_count
    from signs

),

scored as (

    select
        {% for theme, signs in themes.items() %}
        {% for sign in signs %}
        {% set name = theme ~ '_' ~ loop.index %}
        {{ sign.direction }} * {{ standard_score('signs.' ~ name, 'population_of_signs.' ~ name) }} as {{ name }},
        {% endfor %}
        {% endfor %}
        signs.sk_id_curr
    from signs
    cross join population_of_signs

),

summed as (

    select
        {% for theme, signs in themes.items() %}
        {{ known_sum(theme, signs | length) }} as {{ theme }}_sum,
        {{ known_count(theme, signs | length) }} as {{ theme }}_known,
        {% endfor %}
        sk_id_curr
    from scored

),

population_of_themes as (

    select
        {% for theme in themes %}
        avg({{ theme }}_sum) as {{ theme }}_sum_mean,
        stddev_samp({{ theme }}_sum) as {{ theme }}_sum_std,
        {% endfor %}
        count(*) as client_count
    from summed

),

standardised as (

    select
        {% for theme in themes %}
        {{ safe_ratio('summed.' ~ theme ~ '_sum', 'summed.' ~ theme ~ '_known') }} as {{ theme }}_known_score,
        {{ standard_score('summed.' ~ theme ~ '_sum', 'population_of_themes.' ~ theme ~ '_sum') }} as {{ theme }}_score,
        {% endfor %}
        summed.sk_id_curr
    from summed
    cross join population_of_themes

),

combined as (

    select
        *,
        (
            {% for theme in themes if theme != 'low_ext_source' %}
            {{ '+ ' if not loop.first }}{{ theme }}_score
            {% endfor %}
        ) / {{ themes | length - 1 }} as risk_score
    from standardised

)

select * from combined
