-- Every counted or late event, once per Kafka record. The record's origin is its natural exactly-once key: a replay
-- after a failure writes the same row again. record_time is part of the key because it decides the partition.

CREATE TABLE realtime.raw_events (
    kafka_partition int         NOT NULL,
    kafka_offset    bigint      NOT NULL,
    record_time     timestamptz NOT NULL,
    event_time      timestamptz NOT NULL,
    event_id        text COLLATE "C" NOT NULL,
    event_type      text COLLATE "C" NOT NULL CHECK (event_type IN ('IMPRESSION', 'CLICK')),
    user_id         text COLLATE "C" NOT NULL,
    ad_id           text COLLATE "C" NOT NULL,
    campaign_id     text COLLATE "C" NOT NULL,
    category        text COLLATE "C" NOT NULL,
    placement       text COLLATE "C" NOT NULL,
    device          text COLLATE "C" NOT NULL,
    impression_id   text COLLATE "C",
    late            boolean     NOT NULL,
    PRIMARY KEY (kafka_partition, kafka_offset, record_time)
) PARTITION BY RANGE (record_time);

-- Days are created ahead by pipeline.store.partitions; whatever has no day of its own lands here rather than
-- stopping the job. `adctr retention` reports such rows and moves them to days of their own.
CREATE TABLE realtime.raw_events_default PARTITION OF realtime.raw_events DEFAULT;

-- What retention has dropped on purpose, so that reconciliation doesn't take it for lost.
CREATE TABLE realtime.retention (
    table_name  text PRIMARY KEY,
    kept_from   timestamptz NOT NULL,
    executed_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE realtime.raw_events IS 'Counted and late events by Kafka partition and offset.';
COMMENT ON COLUMN realtime.raw_events.record_time IS 'Kafka record time (CreateTime).';
COMMENT ON COLUMN realtime.raw_events.late IS 'Older than its record time by more than the allowed lateness: in no window.';
COMMENT ON TABLE realtime.retention IS 'Per table: rows with a record time before kept_from were dropped by retention.';
