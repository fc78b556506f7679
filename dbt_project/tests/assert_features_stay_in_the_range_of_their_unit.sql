{# The catalogue has measured every feature: nothing is read again. A warning, for rows of the release break it too. #}
{{ config(severity='warn') }}

-- Every feature stays in the range of its unit, and lies ahead of the application only where it says that it may.
with

feature_catalog as (

    select * from {{ ref('feature_catalog') }}

),

feature_units as (

    select * from {{ ref('feature_units') }}

),

outside as (

    select
        feature_catalog.feature,
        feature_catalog.unit,
        feature_catalog.minimum,
        feature_catalog.maximum
    from feature_catalog
    inner join feature_units
        on feature_catalog.unit = feature_units.unit
    where
        feature_catalog.minimum < feature_units.lowest
        or (
            feature_catalog.maximum > feature_units.highest
            and feature_catalog.description not like '%may lie in the future%'
        )

)

select * from outside
