package adctr.flink;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.TimestampType;
import org.apache.flink.table.types.logical.VarCharType;

/**
 * Rows "text in hexadecimal,int,bigint,boolean,milliseconds" from standard input, "-" for null; after an empty line the batch
 * that they become, in hexadecimal.
 */
public final class CopyAnything {
    public static void main(String[] arguments) throws Exception {
        CopyFormat format = new CopyFormat(List.of(
                new VarCharType(), new IntType(), new BigIntType(), new BooleanType(), new TimestampType(3)));
        CopyBatch batch = new CopyBatch(format, 0);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (line.isEmpty()) {
                DataOutputSerializer out = batch.take();
                System.out.println(HexFormat.of().formatHex(out.getSharedBuffer(), 0, out.length()));
                System.out.flush();
            } else {
                String[] fields = line.split(",", -1);
                batch.add(GenericRowData.of(
                        fields[0].equals("-") ? null : BinaryStringData.fromBytes(HexFormat.of().parseHex(fields[0])),
                        fields[1].equals("-") ? null : (Object) Integer.valueOf(fields[1]),
                        fields[2].equals("-") ? null : (Object) Long.valueOf(fields[2]),
                        fields[3].equals("-") ? null : (Object) Boolean.valueOf(fields[3]),
                        fields[4].equals("-") ? null : TimestampData.fromEpochMillis(Long.parseLong(fields[4]))));
            }
        }
    }
}
