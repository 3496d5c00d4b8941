package adctr.flink;

import java.io.Serializable;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;

/** Which table rows are copied into, and what their columns are called and hold; the first {@code keyColumns} are its key. */
record CopySink(
        String url, String username, String password, String table, List<String> columns, List<LogicalType> types,
        int keyColumns)
        implements Sink<RowData>, Serializable {
    /** Whether rows raise the numbers of those of the same key. */
    boolean upserts() {
        return keyColumns > 0;
    }

    @Override
    public SinkWriter<RowData> createWriter(WriterInitContext context) {
        return new CopyWriter(
                new CopyBatch(new CopyFormat(types), keyColumns), new CopyConnection(this), context.getProcessingTimeService());
    }

    @Override
    public String toString() { // a record would print the password
        return "CopySink[" + table + "]";
    }
}
