-- Where is the money: how is the credit asked for spread over regions, and how much of it went to defaulters?
-- One row per region, the largest exposure first; applications of both populations, default rates of the labelled ones.
with

client_features as (

    select * from {{ ref('client_features') }}

),

training_set as (

    select * from {{ ref('training_set') }}

),

applications as (

    select
        round(client_features.region_population_relative, 6) as region_population_relative,
        client_features.region_rating_client,
        client_features.amt_credit,
        training_set.target
    from client_features
    left join training_set
        on client_features.sk_id_curr = training_set.sk_id_curr

),

-- the release names no region: its share of the population, to six decimals, tells regions apart
by_region as (

    select
        region_population_relative,
        max(region_rating_client) as region_rating,
        count(*) as application_count,
        {{ exposure() }} as credit_sum,
        count(target) as labelled_count,
        {{ defaulter_count() }} as defaulter_count,
        {{ default_rate() }} as default_rate,
        {{ rate_standard_error() }} as default_rate_standard_error,
        {{ defaulted_credit_share() }} as defaulted_credit_share
    from applications
    group by region_population_relative

),

exposures as (

    select
        row_number() over (order by credit_sum desc, region_population_relative asc) as exposure_rank,
        region_population_relative,
        region_rating,
        application_count,
        round(credit_sum / 1000000, 1) as credit_millions,
        round({{ safe_ratio('credit_sum', 'sum(credit_sum) over ()') }}, 4) as exposure_share,
        round({{ safe_ratio(
            'sum(credit_sum) over (order by credit_sum desc, region_population_relative asc rows unbounded preceding)',
            'sum(credit_sum) over ()'
        ) }}, 4) as exposure_share_cumulated,
        labelled_count,
        defaulter_count,
        round(default_rate, 4) as default_rate,
        round(default_rate_standard_error, 4) as default_rate_standard_error,
        round(defaulted_credit_share, 4) as defaulted_credit_share
    from by_region

)

select * from exposures
order by exposure_rank
