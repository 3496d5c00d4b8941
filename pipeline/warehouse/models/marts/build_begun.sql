-- One row: how far a build may go. Every mart and every test of one build use it, so that what a running stack writes in
-- between is no difference.
{{ config(materialized='table') }}
select
    now() as built_at,
    watermark,
    date_trunc('hour', watermark, 'UTC') as complete_until,
    -- From here on a window can't change any more, except by a recount.
    date_trunc(
        'hour',
        watermark - make_interval(secs => {{ seconds('ALLOWED_LATENESS') }} + {{ seconds('RECORD_SLACK') }}),
        'UTC'
    ) as final_until,
    -- Late events with an earlier record time have all been written.
    watermark - make_interval(secs => {{ seconds('RECORD_SLACK') }}) as late_until,
    revision
from {{ ref('stg_progress') }}
