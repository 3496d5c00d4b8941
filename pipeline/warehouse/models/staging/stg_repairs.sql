-- The hours that a replay or a recount changed, by its revision.
select revision, date_trunc('hour', to_timestamp((event ->> 'event_time')::bigint / 1000.0), 'UTC') as hour_start
from {{ source('realtime', 'replayed_events') }}
union
select revision, generate_series(date_trunc('hour', from_time, 'UTC'), to_time, '1 hour') as hour_start
from {{ source('realtime', 'recounts') }}
