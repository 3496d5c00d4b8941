-- One row. Read in the statement that reads events or windows, it is of the same snapshot: retention announces what it drops
-- before it drops it.
select
    -- Both window sizes are written by one job; before it has published both watermarks no hour is complete.
    (
        select case when count(*) = 2 then to_timestamp(min(watermark_ms) / 1000.0) end
        from {{ source('realtime', 'watermarks') }} where job in ('store-60', 'store-300')
    ) as watermark,
    (
        select coalesce(max(revision), 0) from (
            select revision from {{ source('realtime', 'replayed_events') }}
            union all
            select revision from {{ source('realtime', 'recounts') }}
        ) as repairs
    ) as revision,
    -- An event may be a minute ahead of its record time, by which raw events are dropped.
    {{ first_whole_hour('raw_events', '1 minute') }} as events_from,
    greatest({{ first_whole_hour('metrics_1min') }}, {{ first_whole_hour('metrics_5min') }}) as windows_from
