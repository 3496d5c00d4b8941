-- What interrupted the counting: outages of a store, starts and restarts of a job. Dashboards mark them beside the figures.
-- The keeper of the jobs writes them; an outage of PostgreSQL itself is written when it is over.

CREATE TABLE realtime.incidents (
    kind     text        NOT NULL CHECK (kind IN ('outage', 'job_start', 'job_restart')),
    subject  text        NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz CHECK (ended_at >= began_at),
    PRIMARY KEY (began_at, kind, subject)
);
GRANT SELECT, INSERT, UPDATE (ended_at) ON realtime.incidents TO adctr_writer;

-- "Which replays concern this range" is asked every few seconds.
CREATE INDEX replayed_events_record_time ON realtime.replayed_events (record_time);

COMMENT ON TABLE realtime.incidents IS 'Outages of a store (subject redis or postgres), starts and restarts of a job.';
COMMENT ON COLUMN realtime.incidents.ended_at IS 'When it answered or ran again; null while it does not.';
