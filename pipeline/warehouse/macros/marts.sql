{% macro sums(measures) %}
{%- for each in measures %}sum({{ each }})::bigint as {{ each }}{{ ', ' if not loop.last }}{% endfor -%}
{% endmacro %}

{# A click counts in its own hour, and its impression may be one of the hour before: no share then. #}
{% macro ctr(impressions, clicks) -%}
    case when {{ clicks }} <= {{ impressions }} then {{ clicks }}::double precision / nullif({{ impressions }}, 0) end
{%- endmacro %}

{# Sums of whole hours from `first_hour` on, as far as a build may go. #}
{% macro hours_of(source, held_from, dimensions, measures) %}
    select hour_start, {{ dimensions | join(', ') }}, {{ sums(measures) }}
    from {{ source }}
    cross join {{ ref('build_begun') }} as begun
    where hour_start >= (select {{ held_from }} from {{ ref('stg_progress') }})
        and hour_start < begun.complete_until
        {%- if 'late_events' in measures %} and (not late or record_time < begun.late_until){% endif %}
    group by hour_start, {{ dimensions | join(', ') }}
{% endmacro %}

{% macro hourly_mart(source, held_from, dimensions, measures) %}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='hour_start',
    on_schema_change='fail',
    indexes=[{'columns': ['hour_start'] + dimensions, 'unique': true}]
) }}
-- depends_on: {{ ref('build_begun') }}
-- depends_on: {{ ref('stg_progress') }}
{{ refuse_to_forget(source, held_from) }}
with counted as ({{ hours_of(source, held_from, dimensions, measures) }})
select counted.*, {{ ctr('impressions', 'clicks') }} as ctr, now() as built_at
from counted
{% if is_incremental() %}
-- No column says what late events, replays and recounts have changed, so the counts are compared.
where hour_start in (
    select hour_start
    from counted
    full join (
        select * from {{ this }}
        where hour_start >= (select {{ held_from }} from {{ ref('stg_progress') }})
    ) as mart using (hour_start, {{ dimensions | join(', ') }})
    where {{ differ('counted', 'mart', measures) }}
)
{% endif %}
{% endmacro %}

{% macro differ(one, other, measures) -%}
    ({{ one }}.{{ measures | join(', ' ~ one ~ '.') }}) is distinct from ({{ other }}.{{ measures | join(', ' ~ other ~ '.') }})
{%- endmacro %}

{# A full refresh makes a mart of what realtime holds, and raw events are dropped after days. #}
{% macro refuse_to_forget(source, held_from) %}
{% if execute and should_full_refresh() and load_relation(this) is not none %}
    {% set lost = run_query(
        "select count(*), min(hour_start), max(hour_start) from (select distinct hour_start from " ~ this
        ~ " except select distinct hour_start from " ~ source
        ~ " where hour_start >= (select " ~ held_from ~ " from " ~ ref('stg_progress') ~ ")) as gone"
    ).rows[0] %}
    {% if lost[0] > 0 %}
        {{ exceptions.raise_compiler_error(
            "--full-refresh would lose " ~ lost[0] ~ " hours of " ~ this.identifier ~ ", from " ~ lost[1] ~ " to " ~ lost[2]
            ~ ": realtime no longer holds their windows. Build without --full-refresh, which keeps them; or, to give them "
            ~ "up, drop table " ~ this.schema ~ "." ~ this.identifier ~ " cascade first"
        ) }}
    {% endif %}
{% endif %}
{% endmacro %}

{% macro daily_mart(hourly, dimensions, measures) %}
select
    (hour_start at time zone 'UTC')::date as day,
    {{ dimensions | join(', ') }},
    {{ sums(measures) }},
    {{ ctr('sum(impressions)', 'sum(clicks)') }} as ctr
from {{ hourly }}
group by 1, {{ dimensions | join(', ') }}
{% endmacro %}
