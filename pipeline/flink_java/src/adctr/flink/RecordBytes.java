package adctr.flink;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.functions.ScalarFunction;

/** SQL function: a record's size in bytes as {@code pipeline/contract/letter_size.py} measures it. */
public final class RecordBytes extends ScalarFunction {
    private static final long serialVersionUID = 1L;

    public Long eval(
            byte[] key,
            byte[] value,
            @DataTypeHint("MAP<STRING, BYTES>") Map<String, byte[]> headers,
            Integer headerBytes) {
        long size = length(key) + length(value);
        if (headers != null) {
            for (Map.Entry<String, byte[]> header : headers.entrySet()) {
                if (header.getValue() != null) {
                    long name = header.getKey().getBytes(StandardCharsets.UTF_8).length;
                    size += name + header.getValue().length + headerBytes;
                }
            }
        }
        return size;
    }

    private static long length(byte[] bytes) {
        return bytes == null ? 0 : bytes.length;
    }
}
