-- In a transaction of its own: this lock lets everybody read and write meanwhile. If it fails, some row begins where no window
-- does: SELECT * FROM realtime.metrics_1min WHERE window_start <> date_bin('1 minute', window_start, TIMESTAMPTZ 'epoch').
ALTER TABLE realtime.metrics_1min VALIDATE CONSTRAINT metrics_1min_window_start_aligned;
ALTER TABLE realtime.metrics_5min VALIDATE CONSTRAINT metrics_5min_window_start_aligned;
