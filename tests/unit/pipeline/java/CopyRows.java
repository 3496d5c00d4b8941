package adctr.flink;

import java.util.List;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.VarCharType;

/** Arguments: how many columns are the key, then rows "campaign,category,count". Prints the batch in hexadecimal. */
public final class CopyRows {
    public static void main(String[] arguments) throws Exception {
        CopyFormat format = new CopyFormat(List.of(new VarCharType(), new VarCharType(), new BigIntType()));
        CopyBatch batch = new CopyBatch(format, Integer.parseInt(arguments[0]));
        for (int i = 1; i < arguments.length; i++) {
            String[] fields = arguments[i].split(",", -1);
            StringData category = fields[1].isEmpty() ? null : StringData.fromString(fields[1]);
            batch.add(GenericRowData.of(StringData.fromString(fields[0]), category, Long.valueOf(fields[2])));
        }
        DataOutputSerializer out = batch.take();
        StringBuilder text = new StringBuilder();
        for (byte each : out.getCopyOfBuffer()) {
            text.append(String.format("%02x", each));
        }
        System.out.println(text);
        System.out.println(batch.isEmpty());
    }
}
