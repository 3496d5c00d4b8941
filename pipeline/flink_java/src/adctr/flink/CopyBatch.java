package adctr.flink;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.data.RowData;

/** Encoded rows until they are copied. Of those with the same key, where there is one, the newest is kept. */
final class CopyBatch {
    private static final int MOST_ROWS = 5_000;
    private static final int MOST_BYTES = 4 << 20;

    private final CopyFormat format;
    private final int keyColumns;
    private final Map<ByteBuffer, byte[]> newest = new LinkedHashMap<>();
    private final DataOutputSerializer row = new DataOutputSerializer(256);
    private DataOutputSerializer appended;
    private int rows;

    CopyBatch(CopyFormat format, int keyColumns) {
        this.format = format;
        this.keyColumns = keyColumns;
    }

    void add(RowData added) throws IOException {
        if (keyColumns == 0) {
            if (rows == 0) {
                appended = begin();
            }
            format.append(added, appended);
            rows++;
            return;
        }
        row.clear();
        int keyEnds = format.append(added, row, keyColumns);
        byte[] encoded = row.getCopyOfBuffer();
        newest.put(ByteBuffer.wrap(encoded, 0, keyEnds), encoded);
        rows = newest.size();
    }

    boolean isEmpty() {
        return rows == 0;
    }

    boolean isFull() {
        return rows >= MOST_ROWS || keyColumns == 0 && appended.length() >= MOST_BYTES;
    }

    /** All rows in COPY's format; the batch is empty afterwards. */
    DataOutputSerializer take() throws IOException {
        DataOutputSerializer out = keyColumns == 0 ? appended : begin();
        for (byte[] encoded : newest.values()) {
            out.write(encoded);
        }
        format.end(out);
        newest.clear();
        appended = null;
        rows = 0;
        return out;
    }

    private DataOutputSerializer begin() throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64 << 10);
        format.begin(out);
        return out;
    }
}
