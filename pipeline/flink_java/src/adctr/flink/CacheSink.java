package adctr.flink;

import java.io.IOException;
import java.io.Serializable;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.table.data.RowData;

/** Where the cache is, how long a window stays in it, and the scripts that write windows and watermarks. */
record CacheSink(
        String host,
        int port,
        String user,
        String password,
        int sizeSeconds,
        int retentionSeconds,
        String raiseCounts,
        String raiseWatermark)
        implements Sink<RowData>, Serializable {
    @Override
    public SinkWriter<RowData> createWriter(WriterInitContext context) throws IOException {
        return new CacheWriter(this, context.getProcessingTimeService());
    }

    @Override
    public String toString() { // a record would print the password
        return "CacheSink[" + host + ":" + port + ", " + sizeSeconds + " s]";
    }
}
