{#
    Nested windows without reading the rows once per window: a first pass aggregates each measure once per disjoint bucket
    of age (0 the most recent), a second one combines the few buckets of a client into every window. Five aggregates of
    seven windows cost one scan this way; as `aggregate(..) filter (..)` they would cost thirty-five.
#}

{#
    First pass, one row per client and bucket: what any aggregate of the measures can be combined from.
    measures: list of {name, sql, known}; the SQL gives a number, null where the measure does not apply. known (optional)
        is SQL that is null for the same rows: measures of the same `known` are counted once.
    time: SQL of the day or month the row belongs to, for slopes; null for none.
#}
{% macro bucket_sums(measures, time=none) -%}
    {%- for measure in measures %}
        {%- set known = measure.get('known', measure.sql) %}
        count({{ known }}) as {{ measure.name }}_n,
        sum(cast({{ measure.sql }} as double)) as {{ measure.name }}_s,
        sum(cast({{ measure.sql }} as double) * ({{ measure.sql }})) as {{ measure.name }}_q,
        min(cast({{ measure.sql }} as double)) as {{ measure.name }}_min,
        max(cast({{ measure.sql }} as double)) as {{ measure.name }}_max,
        {%- if time %}
        sum(cast(case when {{ known }} is not null then {{ time }} end as double)) as {{ measure.name }}_t,
        sum(cast(case when {{ known }} is not null then {{ time }} end as double) * ({{ time }})) as {{ measure.name }}_tt,
        sum(cast({{ measure.sql }} as double) * ({{ time }})) as {{ measure.name }}_ts,
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
    Second pass: one aggregate of one measure over the buckets 0..last, over all when last is none.
    aggregate: count, sum, mean, std, min, max or slope (least squares against time; positive = growing towards today).
#}
{% macro over_buckets(measure, aggregate, last) -%}
    {%- set n = 'sum(' ~ within_buckets(measure ~ '_n', last) ~ ')' -%}
    {%- set s = 'sum(' ~ within_buckets(measure ~ '_s', last) ~ ')' -%}
    {%- if aggregate == 'count' -%}
        cast({{ n }} as bigint)
    {%- elif aggregate == 'sum' -%}
        {{ s }}
    {%- elif aggregate == 'mean' -%}
        {{ safe_ratio(s, n) }}
    {%- elif aggregate == 'std' -%}
        {%- set q = 'sum(' ~ within_buckets(measure ~ '_q', last) ~ ')' -%}
        case
            when {{ n }} > 0
                then sqrt(greatest({{ safe_ratio(q, n) }} - pow({{ safe_ratio(s, n) }}, 2), 0))
        end
    {%- elif aggregate == 'slope' -%}
        {%- set t = 'sum(' ~ within_buckets(measure ~ '_t', last) ~ ')' -%}
        {%- set ts = 'sum(' ~ within_buckets(measure ~ '_ts', last) ~ ')' -%}
        {%- set tt = 'sum(' ~ within_buckets(measure ~ '_tt', last) ~ ')' -%}
        {{ safe_ratio(
            '(' ~ n ~ ' * ' ~ ts ~ ' - ' ~ t ~ ' * ' ~ s ~ ')',
            '(' ~ n ~ ' * ' ~ tt ~ ' - ' ~ t ~ ' * ' ~ t ~ ')'
        ) }}
    {%- else -%}
        {{ aggregate }}({{ within_buckets(measure ~ '_' ~ aggregate, last) }})
    {%- endif -%}
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
