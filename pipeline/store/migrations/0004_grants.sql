-- The writer changes rows and deletes none; readers read. Day partitions need no grants of their own: access goes
-- through raw_events.
GRANT USAGE ON SCHEMA realtime TO adctr_writer, adctr_reader;
GRANT SELECT, INSERT, UPDATE
    ON realtime.metrics_1min, realtime.metrics_5min, realtime.raw_events, realtime.tombstones, realtime.watermarks
    TO adctr_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA realtime TO adctr_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA realtime GRANT SELECT ON TABLES TO adctr_reader;
