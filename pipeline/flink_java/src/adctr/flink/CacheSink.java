package adctr.flink;

import java.io.IOException;
import java.io.Serializable;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.table.data.RowData;

/** Where the cache is and how long a window stays in it. */
record CacheSink(String host, int port, String password, int sizeSeconds, int retentionSeconds)
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
