{% macro windows(metrics) %}
-- The recounted value holds where there is one, as everywhere.
select
    window_start,
    date_trunc('hour', window_start, 'UTC') as hour_start,
    campaign_id,
    category,
    coalesce(recounted_impressions, impressions) as impressions,
    coalesce(recounted_clicks, clicks) as clicks
from {{ metrics }}
where not starts_with(category, '{{ var("canary_prefix") }}')
{% endmacro %}

{% macro first_whole_hour(table_name, margin='0') %}
    coalesce((
        select date_trunc('hour', kept_from + interval '{{ margin }}' + interval '1 hour - 1 microsecond', 'UTC')
        from {{ source('realtime', 'retention') }} where table_name = '{{ table_name }}'
    ), '-infinity')
{% endmacro %}

{% macro seconds(setting) %}{{ env_var('ADCTR_' ~ setting ~ '_SECONDS') | int }}{% endmacro %}
