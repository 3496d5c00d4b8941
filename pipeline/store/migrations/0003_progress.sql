-- Records with a null value, by origin.
CREATE TABLE realtime.tombstones (
    kafka_partition int         NOT NULL,
    kafka_offset    bigint      NOT NULL,
    record_time     timestamptz NOT NULL,
    PRIMARY KEY (kafka_partition, kafka_offset)
);

-- How far each job has written: everything it counts before watermark_ms stood in its store before this row said so.
CREATE TABLE realtime.watermarks (
    job          text PRIMARY KEY,
    watermark_ms bigint NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT now()
);

-- After a recovery a job repeats older watermarks. What was final stays final, so a watermark only ever rises.
CREATE FUNCTION realtime.raise_watermark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.watermark_ms < OLD.watermark_ms THEN
        RETURN NULL;
    END IF;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE TRIGGER raise_watermark BEFORE INSERT OR UPDATE ON realtime.watermarks
FOR EACH ROW EXECUTE FUNCTION realtime.raise_watermark();

COMMENT ON TABLE realtime.tombstones IS 'Kafka records with a null value, by origin.';
COMMENT ON TABLE realtime.watermarks IS 'Per job: milliseconds since the epoch up to which its windows are written.';
