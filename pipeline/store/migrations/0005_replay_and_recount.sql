-- Mended dead letters, and final windows counted again. The jobs write neither: replayed events have origins that no job
-- takes for events, and recounted values stand in columns that the jobs' role may not touch, so a job that was restored
-- from an old checkpoint can't undo them.

-- One sequence for both: a recount has seen exactly the replays with a smaller revision (they exclude each other by a lock).
CREATE SEQUENCE realtime.revisions;

CREATE TABLE realtime.replayed_events (
    kafka_partition int         NOT NULL,
    kafka_offset    bigint      NOT NULL,
    record_time     timestamptz NOT NULL,
    reason          text        NOT NULL,
    event           jsonb       NOT NULL,
    late            boolean     NOT NULL,
    revision        bigint      NOT NULL,
    replayed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kafka_partition, kafka_offset)
);

CREATE TABLE realtime.recounts (
    revision     bigint PRIMARY KEY,
    from_time    timestamptz NOT NULL,
    to_time      timestamptz NOT NULL,
    recounted_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE realtime.metrics_1min
    ADD COLUMN recounted_impressions bigint CHECK (recounted_impressions >= 0),
    ADD COLUMN recounted_clicks      bigint CHECK (recounted_clicks >= 0),
    ADD COLUMN recount_revision      bigint,
    ADD CHECK (num_nulls(recounted_impressions, recounted_clicks, recount_revision) IN (0, 3)),
    DROP COLUMN ctr;
ALTER TABLE realtime.metrics_5min
    ADD COLUMN recounted_impressions bigint CHECK (recounted_impressions >= 0),
    ADD COLUMN recounted_clicks      bigint CHECK (recounted_clicks >= 0),
    ADD COLUMN recount_revision      bigint,
    ADD CHECK (num_nulls(recounted_impressions, recounted_clicks, recount_revision) IN (0, 3)),
    DROP COLUMN ctr;
ALTER TABLE realtime.metrics_1min ADD COLUMN ctr double precision GENERATED ALWAYS AS (
    coalesce(recounted_clicks, clicks)::double precision / nullif(coalesce(recounted_impressions, impressions), 0)) STORED;
ALTER TABLE realtime.metrics_5min ADD COLUMN ctr double precision GENERATED ALWAYS AS (
    coalesce(recounted_clicks, clicks)::double precision / nullif(coalesce(recounted_impressions, impressions), 0)) STORED;

-- The jobs' role: its own columns and no others.
REVOKE INSERT, UPDATE ON realtime.metrics_1min, realtime.metrics_5min FROM adctr_writer;
GRANT INSERT (window_start, campaign_id, category, impressions, clicks),
      UPDATE (window_start, campaign_id, category, impressions, clicks)
    ON realtime.metrics_1min, realtime.metrics_5min TO adctr_writer;

-- Who replays and recounts: adds events, never changes one; writes recounted values, never the jobs' own.
GRANT USAGE ON SCHEMA realtime TO adctr_mender;
GRANT SELECT ON ALL TABLES IN SCHEMA realtime TO adctr_mender;
GRANT USAGE ON SEQUENCE realtime.revisions TO adctr_mender;
GRANT INSERT ON realtime.raw_events, realtime.replayed_events, realtime.recounts TO adctr_mender;
GRANT INSERT (window_start, campaign_id, category, impressions, clicks, recounted_impressions, recounted_clicks,
              recount_revision),
      UPDATE (recounted_impressions, recounted_clicks, recount_revision)
    ON realtime.metrics_1min, realtime.metrics_5min TO adctr_mender;

COMMENT ON TABLE realtime.replayed_events IS 'Dead letters that were mended and entered raw_events, by the origin of the record.';
COMMENT ON TABLE realtime.recounts IS 'Every recount: which windows, and its revision.';
COMMENT ON COLUMN realtime.metrics_1min.recount_revision IS 'Where not null, the recounted values hold instead of the counted ones.';
COMMENT ON COLUMN realtime.metrics_5min.recount_revision IS 'Where not null, the recounted values hold instead of the counted ones.';
COMMENT ON COLUMN realtime.metrics_1min.ctr IS 'Clicks per impression; null where there is no impression.';
COMMENT ON COLUMN realtime.metrics_5min.ctr IS 'Clicks per impression; null where there is no impression.';
