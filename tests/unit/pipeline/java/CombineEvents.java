package adctr.flink;

import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;

/** Arguments: events "milliseconds,campaign,category,click" and "drain", at which what there is is printed, a row a line. */
public final class CombineEvents {
    public static void main(String[] arguments) {
        CombinedCounts counts = new CombinedCounts();
        for (String argument : arguments) {
            if (argument.equals("drain")) {
                counts.drainTo(CombineEvents::print);
                System.out.println("full: " + counts.isFull());
                continue;
            }
            String[] fields = argument.split(",");
            counts.add(GenericRowData.of(
                    TimestampData.fromEpochMillis(Long.parseLong(fields[0])), StringData.fromString(fields[1]),
                    StringData.fromString(fields[2]), Boolean.valueOf(fields[3])));
        }
    }

    private static void print(RowData row, long newestMs) {
        System.out.println(row.getString(0) + "," + row.getString(1) + "," + row.getLong(2) + "," + row.getLong(3) + ","
                + newestMs);
    }
}
