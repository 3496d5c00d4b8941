-- Marts, by dbt (pipeline/warehouse): a role that reads what is counted, and owns the one schema that it builds in. The page
-- History reads that schema, and nobody else writes it. No other password of the stack gets dbt any further.
-- A restored, older `realtime` may find the marts of a newer one here: they stay.
CREATE SCHEMA IF NOT EXISTS warehouse AUTHORIZATION adctr_warehouse;
GRANT USAGE ON SCHEMA realtime TO adctr_warehouse;
GRANT SELECT ON realtime.metrics_1min, realtime.metrics_5min, realtime.raw_events, realtime.watermarks,
    realtime.retention, realtime.replayed_events, realtime.recounts TO adctr_warehouse;
GRANT USAGE ON SCHEMA warehouse TO adctr_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE adctr_warehouse IN SCHEMA warehouse GRANT SELECT ON TABLES TO adctr_reader;

COMMENT ON SCHEMA warehouse IS 'Marts of hours and days, built by dbt: docs/warehouse.md.';
