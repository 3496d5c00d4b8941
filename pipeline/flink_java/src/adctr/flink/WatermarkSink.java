package adctr.flink;

import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.table.data.RowData;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes a job's watermark when a checkpoint is complete: the sinks of rows flush before the barrier, so by then
 * everything before this watermark is in the database.
 */
record WatermarkSink(String url, String username, String password, String job)
        implements Sink<RowData>, SupportsCommitter<Long>, Serializable {
    private static final Logger LOG = LoggerFactory.getLogger(WatermarkSink.class);
    private static final String RAISE = "INSERT INTO realtime.watermarks (job, watermark_ms) VALUES (?, ?) "
            + "ON CONFLICT (job) DO UPDATE SET watermark_ms = EXCLUDED.watermark_ms, updated_at = now() "
            + "WHERE watermarks.watermark_ms < EXCLUDED.watermark_ms";

    @Override
    public SinkWriter<RowData> createWriter(WriterInitContext context) {
        return new WatermarkWriter();
    }

    @Override
    public Committer<Long> createCommitter(CommitterInitContext context) {
        return new WatermarkCommitter();
    }

    @Override
    public SimpleVersionedSerializer<Long> getCommittableSerializer() {
        return new LongSerializer();
    }

    @Override
    public String toString() { // a record would print the password
        return "WatermarkSink[" + job + "]";
    }

    private static final class WatermarkWriter implements CommittingSinkWriter<RowData, Long> {
        private long watermarkMs = Long.MIN_VALUE;

        @Override
        public void write(RowData row, Context context) {}

        @Override
        public void writeWatermark(Watermark watermark) {
            if (!watermark.equals(Watermark.MAX_WATERMARK)) { // the end of input, of a drained job: no time
                watermarkMs = watermark.getTimestamp();
            }
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public Collection<Long> prepareCommit() {
            return watermarkMs == Long.MIN_VALUE ? List.of() : List.of(watermarkMs);
        }

        @Override
        public void close() {}
    }

    private final class WatermarkCommitter implements Committer<Long> {
        @Override
        public void commit(Collection<CommitRequest<Long>> requests) {
            long latest = requests.stream().mapToLong(CommitRequest::getCommittable).max().orElse(Long.MIN_VALUE);
            try (Connection connection = DriverManager.getConnection(url, username, password);
                    PreparedStatement statement = connection.prepareStatement(RAISE)) {
                statement.setString(1, job);
                statement.setLong(2, latest);
                statement.executeUpdate();
            } catch (SQLException error) {
                // Not worth the job's life: the next checkpoint publishes a later one.
                LOG.warn("watermark of job {} not published: {}", job, error.getMessage());
            }
        }

        @Override
        public void close() {}
    }

    private static final class LongSerializer implements SimpleVersionedSerializer<Long> {
        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(Long value) {
            return ByteBuffer.allocate(Long.BYTES).putLong(value).array();
        }

        @Override
        public Long deserialize(int version, byte[] bytes) throws IOException {
            return ByteBuffer.wrap(bytes).getLong();
        }
    }
}
