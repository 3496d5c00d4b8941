-- The end of a drained job's input was once published as its watermark, and made every window final.
-- A watermark only rises, so it has to be taken away; the next checkpoint publishes a time.
DELETE FROM realtime.watermarks WHERE watermark_ms = 9223372036854775807;
ALTER TABLE realtime.watermarks ADD CONSTRAINT watermarks_are_times CHECK (watermark_ms < 9223372036854775807);
