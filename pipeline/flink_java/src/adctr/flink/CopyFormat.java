package adctr.flink;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * Rows as PostgreSQL's binary COPY format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
 *
 * <p>Timestamps without a zone are read as UTC and written as timestamptz.
 */
final class CopyFormat {
    private static final byte[] SIGNATURE = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0};
    private static final long POSTGRES_EPOCH_MS = 946_684_800_000L; // 2000-01-01
    private static final int NULL = -1;

    private final FieldWriter[] writers;

    CopyFormat(List<LogicalType> types) {
        writers = new FieldWriter[types.size()];
        for (int i = 0; i < writers.length; i++) {
            writers[i] = fieldWriter(types.get(i), i);
        }
    }

    void begin(DataOutputSerializer out) throws IOException {
        out.write(SIGNATURE);
        out.writeInt(0); // flags
        out.writeInt(0); // header extension
    }

    void append(RowData row, DataOutputSerializer out) throws IOException {
        append(row, out, 0);
    }

    /** Where in {@code out} the first so many columns end. */
    int append(RowData row, DataOutputSerializer out, int columns) throws IOException {
        int end = out.length();
        out.writeShort(writers.length);
        for (int i = 0; i < writers.length; i++) {
            if (row.isNullAt(i)) {
                out.writeInt(NULL);
            } else {
                writers[i].write(row, out);
            }
            if (i < columns) {
                end = out.length();
            }
        }
        return end;
    }

    void end(DataOutputSerializer out) throws IOException {
        out.writeShort(-1);
    }

    private interface FieldWriter {
        void write(RowData row, DataOutputSerializer out) throws IOException;
    }

    private static FieldWriter fieldWriter(LogicalType type, int column) {
        switch (type.getTypeRoot()) {
            case INTEGER:
                return (row, out) -> {
                    out.writeInt(Integer.BYTES);
                    out.writeInt(row.getInt(column));
                };
            case BIGINT:
                return (row, out) -> {
                    out.writeInt(Long.BYTES);
                    out.writeLong(row.getLong(column));
                };
            case BOOLEAN:
                return (row, out) -> {
                    out.writeInt(1);
                    out.writeBoolean(row.getBoolean(column));
                };
            case VARCHAR:
                return (row, out) -> {
                    byte[] text = row.getString(column).toBytes();
                    out.writeInt(text.length);
                    out.write(text);
                };
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                return (row, out) -> {
                    TimestampData time = row.getTimestamp(column, 3);
                    out.writeInt(Long.BYTES);
                    out.writeLong(TimeUnit.MILLISECONDS.toMicros(time.getMillisecond() - POSTGRES_EPOCH_MS));
                };
            default:
                throw new IllegalArgumentException("column " + column + ": COPY cannot write " + type);
        }
    }
}
