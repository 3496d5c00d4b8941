-- The keeper of the store creates, fills and drops days of raw_events, and deletes old windows. Only a table's owner may
-- attach and drop its partitions, so raw_events is the keeper's; adctr_owner is a member of that role and goes on migrating it.
GRANT USAGE, CREATE ON SCHEMA realtime TO adctr_keeper;
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT relid FROM pg_partition_tree('realtime.raw_events') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO adctr_keeper', part);
    END LOOP;
END
$$;
ALTER DEFAULT PRIVILEGES FOR ROLE adctr_keeper IN SCHEMA realtime GRANT SELECT ON TABLES TO adctr_reader;

GRANT SELECT, DELETE ON realtime.metrics_1min, realtime.metrics_5min TO adctr_keeper;
GRANT SELECT, INSERT, UPDATE ON realtime.retention TO adctr_keeper;
GRANT SELECT ON realtime.watermarks TO adctr_keeper;

-- While rows are moved out of the default partition (pipeline/store/default_partition.py), it has this trigger, and
-- raw_events_moving exists. It runs with the rights of whoever inserts.
CREATE FUNCTION realtime.copy_to_moving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO realtime.raw_events_moving SELECT NEW.* ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

COMMENT ON TABLE realtime.retention IS
    'Per table: rows with a record time (metrics: windows that start) before kept_from were dropped by retention.';
