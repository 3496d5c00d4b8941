-- A window begins at a multiple of its length since 1970. A row under another start would be read by some queries and not by
-- others. New rows are checked from here on; the next migration looks at those that are there, without keeping anybody waiting.

-- Adding a constraint needs an exclusive lock for an instant: better to fail than to queue all writers behind it.
SET LOCAL lock_timeout = '10s';

ALTER TABLE realtime.metrics_1min ADD CONSTRAINT metrics_1min_window_start_aligned CHECK (
    isfinite(window_start) AND window_start = date_bin('1 minute', window_start, TIMESTAMPTZ 'epoch')) NOT VALID;
ALTER TABLE realtime.metrics_5min ADD CONSTRAINT metrics_5min_window_start_aligned CHECK (
    isfinite(window_start) AND window_start = date_bin('5 minutes', window_start, TIMESTAMPTZ 'epoch')) NOT VALID;
