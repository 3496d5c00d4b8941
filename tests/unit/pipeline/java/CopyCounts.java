package adctr.flink;

import java.util.List;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.TimestampType;
import org.apache.flink.table.types.logical.VarCharType;

/**
 * Arguments: URL, user and table, then rows "start in ms,campaign,category,impressions,clicks", each a batch of its own. The
 * password is ADCTR_POSTGRES_WRITER_PASSWORD.
 */
public final class CopyCounts {
    public static void main(String[] arguments) throws Exception {
        CopySink sink = new CopySink(
                arguments[0], arguments[1], System.getenv("ADCTR_POSTGRES_WRITER_PASSWORD"), arguments[2],
                List.of("window_start", "campaign_id", "category", "impressions", "clicks"),
                List.of(new TimestampType(3), new VarCharType(), new VarCharType(), new BigIntType(), new BigIntType()), 3);
        CopyBatch batch = new CopyBatch(new CopyFormat(sink.types()), sink.keyColumns());
        CopyConnection connection = new CopyConnection(sink);
        for (int i = 3; i < arguments.length; i++) {
            String[] fields = arguments[i].split(",");
            batch.add(GenericRowData.of(
                    TimestampData.fromEpochMillis(Long.parseLong(fields[0])), StringData.fromString(fields[1]),
                    StringData.fromString(fields[2]), Long.valueOf(fields[3]), Long.valueOf(fields[4])));
            connection.copy(batch.take());
        }
    }
}
