-- Every counted or late event, once per Kafka record. A late event is in no window, so it is an event of its own kind here.
select
    date_trunc('hour', event_time, 'UTC') as hour_start,
    record_time,
    placement,
    device,
    late,
    (not late and event_type = 'IMPRESSION')::int as impressions,
    (not late and event_type = 'CLICK')::int as clicks,
    late::int as late_events
from {{ source('realtime', 'raw_events') }}
where not starts_with(category, '{{ var("canary_prefix") }}')
