{#
    Statistics of a group, shrunk towards those of the whole reference population: as if this many average members of the
    whole belonged to every group, mean = (n * mean of the group + 20 * mean of the whole) / (n + 20), and likewise the mean
    of the squares. A group of one has about the mean of the whole, a group of thousands its own.
#}
{% macro shrinkage() -%} 20 {%- endmacro %}

{% macro shrunk(group_mean, group_count, whole_mean) -%}
    {{ safe_ratio(
        '(' ~ group_count ~ ' * coalesce(' ~ group_mean ~ ', 0) + ' ~ shrinkage() ~ ' * ' ~ whole_mean ~ ')',
        group_count ~ ' + ' ~ shrinkage()
    ) }}
{%- endmacro %}
