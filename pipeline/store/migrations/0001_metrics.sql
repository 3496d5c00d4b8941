-- Finished and running windows: absolute counts, upserted by the store job, read by dashboards and reconciliation.
-- Names compare by bytes (COLLATE "C"): ids have no language, and byte order is the cheapest.

CREATE TABLE realtime.metrics_1min (
    window_start timestamptz NOT NULL,
    campaign_id  text COLLATE "C" NOT NULL,
    category     text COLLATE "C" NOT NULL,
    impressions  bigint NOT NULL CHECK (impressions >= 0),
    clicks       bigint NOT NULL CHECK (clicks >= 0),
    ctr          double precision GENERATED ALWAYS AS (clicks::double precision / nullif(impressions, 0)) STORED,
    PRIMARY KEY (window_start, campaign_id, category)
) WITH (
    -- A window's row is updated many times while it is live. Free space on its page, and no index on a
    -- column that changes, let PostgreSQL update it in place (HOT), without touching any index.
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);

CREATE TABLE realtime.metrics_5min (LIKE realtime.metrics_1min INCLUDING ALL)
WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- The primary key serves "everything in a time range" (totals, top campaigns). These two serve one campaign or
-- one category over time. Counts are deliberately not included in them: that would end HOT updates.
CREATE INDEX metrics_1min_campaign_id_window_start ON realtime.metrics_1min (campaign_id, window_start);
CREATE INDEX metrics_1min_category_window_start ON realtime.metrics_1min (category, window_start);
CREATE INDEX metrics_5min_campaign_id_window_start ON realtime.metrics_5min (campaign_id, window_start);
CREATE INDEX metrics_5min_category_window_start ON realtime.metrics_5min (category, window_start);

COMMENT ON TABLE realtime.metrics_1min IS 'Impressions and clicks per 1-minute event-time window, campaign and category.';
COMMENT ON TABLE realtime.metrics_5min IS 'Impressions and clicks per 5-minute event-time window, campaign and category.';
COMMENT ON COLUMN realtime.metrics_1min.ctr IS 'Clicks per impression; null where there is no impression.';
COMMENT ON COLUMN realtime.metrics_5min.ctr IS 'Clicks per impression; null where there is no impression.';
