{#
    Nested windows without reading the rows once per window: a first pass aggregates each measure once per disjoint bucket
    of age (0 the most recent), a second one combines the few buckets of a client into every window. Five aggregates of
    seven windows cost one scan this way; as `aggregate(..) filter (..)` they would cost thirty-five.
#}

{#
    First pass, one row per client and bucket: what any aggregate of the measures can be combined from.
    measures: list of {name, sql, known}; the SQL gives a number, null where the measure does not apply. known (optional)
        is SQL that is null for the same rows: measures of the same `known` are counted once. decimals (optional): how many
        are kept of the measure, none when it is a whole number; its sums are then exact (see exact.sql). Squares of units
        would not be: of a measure with decimals, std_decimals are kept for the standard deviation.
    time: SQL of the day or month the row belongs to, for slopes; null for none.
#}
{% macro bucket_sums(measures, time=none) -%}
    {%- for measure in measures %}
        {%- set known = measure.get('known', measure.sql) %}
        {%- set units = in_units(measure.sql, measure.get('decimals')) %}
        {%- set std_units = in_units(measure.sql, measure.get('std_decimals', measure.get('decimals'))) %}
        count({{ known }}) as {{ measure.name }}_n,
        sum({{ units }}) as {{ measure.name }}_s,
        sum({{ std_units }}) as {{ measure.name }}_r,
        sum({{ std_units }} * {{ std_units }}) as {{ measure.name }}_q,
        min(cast({{ measure.sql }} as double)) as {{ measure.name }}_min,
        max(cast({{ measure.sql }} as double)) as {{ measure.name }}_max,
        {%- if time %}
        sum(cast(case when {{ known }} is not null then {{ time }} end as double)) as {{ measure.name }}_t,
        sum(cast(case when {{ known }} is not null then {{ time }} end as double) * ({{ time }})) as {{ measure.name }}_tt,
        sum({{ units }} * ({{ time }})) as {{ measure.name }}_ts,
        {%- endif %}
    {%- endfor -%}
{%- endmacro %}

{#
    A value within the buckets 0..last, null outside; last none: in all of them.
    `aggregate(..) filter (..)` says the same and takes twice as long: DuckDB copies every column of a chunk for each filter.
#}
{% macro within_buckets(value, last) -%}
    {{ value if last is none else 'case when bucket <= ' ~ last ~ ' then ' ~ value ~ ' end' }}
{%- endmacro %}

{#
    Second pass: one aggregate of one measure over the buckets 0..last, over all when last is none. Of a series that does
    not change, std and slope are 0, not the rounding of a difference.
    measure: as in the first pass; aggregate: count, sum, mean, std, min, max or slope (least squares against time;
    positive = growing towards today).
#}
{% macro over_buckets(measure, aggregate, last) -%}
    {%- set name = measure.name -%}
    {%- set smallest = 'min(' ~ within_buckets(name ~ '_min', last) ~ ')' -%}
    {%- set largest = 'max(' ~ within_buckets(name ~ '_max', last) ~ ')' -%}
    {%- set n = 'sum(' ~ within_buckets(name ~ '_n', last) ~ ')' -%}
    {%- set s = 'sum(' ~ within_buckets(name ~ '_s', last) ~ ')' -%}
    {%- if aggregate == 'count' -%}
        cast({{ n }} as bigint)
    {%- elif aggregate == 'sum' -%}
        {{ from_units(s, measure.get('decimals')) }}
    {%- elif aggregate == 'mean' -%}
        {{ from_units(safe_ratio(s, n), measure.get('decimals')) }}
    {%- elif aggregate == 'std' -%}
        {%- set r = 'sum(' ~ within_buckets(name ~ '_r', last) ~ ')' -%}
        {%- set q = 'sum(' ~ within_buckets(name ~ '_q', last) ~ ')' -%}
        {%- set spread = deviation(safe_ratio(q, n), safe_ratio(r, n), smallest, largest) -%}
        case when {{ n }} > 0 then {{ from_units(spread, measure.get('std_decimals', measure.get('decimals'))) }} end
    {%- elif aggregate == 'slope' -%}
        {%- set t = 'sum(' ~ within_buckets(name ~ '_t', last) ~ ')' -%}
        {%- set ts = 'sum(' ~ within_buckets(name ~ '_ts', last) ~ ')' -%}
        {%- set tt = 'sum(' ~ within_buckets(name ~ '_tt', last) ~ ')' -%}
        {%- set slope = safe_ratio(
            'case when ' ~ smallest ~ ' < ' ~ largest ~ ' then ' ~ n ~ ' * ' ~ ts ~ ' - ' ~ t ~ ' * ' ~ s ~ ' else 0 end',
            '(' ~ n ~ ' * ' ~ tt ~ ' - ' ~ t ~ ' * ' ~ t ~ ')'
        ) -%}
        {{ from_units(slope, measure.get('decimals')) }}
    {%- else -%}
        {{ aggregate }}({{ within_buckets(name ~ '_' ~ aggregate, last) }})
    {%- endif -%}
{%- endmacro %}

{#
    First month of the last `months` months. newest: the newest month that a source can have, -1 (the month before the
    application: point-of-sale loans and cards) or 0 (that of the application: the credit bureau).
#}
{% macro months_since(months, newest) -%}
    {{ return(newest - months + 1) }}
{%- endmacro %}

{# Bucket of a row: the first window that it lies in. time: SQL; windows: list of {bucket, from}, the most recent first. #}
{% macro bucket_of(time, windows) -%}
    case
        {%- for window in windows %}
        when {{ time }} >= {{ window.since }} then {{ loop.index0 }}
        {%- endfor %}
        else {{ windows | length }}
    end
{%- endmacro %}
