package adctr.flink;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.TimestampType;
import org.apache.flink.table.types.logical.VarCharType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;

/**
 * Decodes records as the jobs do, one per line of the standard input, and writes a line about each.
 *
 * <p>Arguments: the registry's URL, the file of our schema. A line is a command and a value in hex: {@code arrive} shows
 * the value to the interceptor of the consumer, {@code decode} prints {@code invalid} and the reason, {@code unavailable}
 * and the reason, or {@code event} and its fields.
 */
final class DecodeRecords {
    private static final List<String> FIELDS = List.of(
            "event_id", "event_type", "user_id", "ad_id", "campaign_id", "category", "placement", "device",
            "impression_id");

    public static void main(String[] arguments) throws Exception {
        WriterSchemas.mostWaitMs = 2_000;
        LogicalType text = new VarCharType(VarCharType.MAX_LENGTH);
        List<RowType.RowField> columns = new java.util.ArrayList<>();
        FIELDS.forEach(name -> columns.add(new RowType.RowField(name, text)));
        columns.add(new RowType.RowField("event_time", new TimestampType(3)));
        columns.add(new RowType.RowField("decode_error", text));
        columns.add(new RowType.RowField("is_tombstone", new BooleanType()));
        RowType row = new RowType(columns);
        String schema = Files.readString(Path.of(arguments[1]));
        AdEventDecoder decoder = new AdEventDecoder(arguments[0], schema, row, null);
        decoder.open(null);
        SchemaLookups lookups = new SchemaLookups();
        lookups.configure(Map.of(SchemaLookups.REGISTRY_URL, arguments[0]));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ", 2);
            byte[] value = HexFormat.of().parseHex(words[1]);
            System.out.println(words[0].equals("arrive") ? arrive(lookups, value) : decode(decoder, value));
        }
    }

    private static String arrive(SchemaLookups lookups, byte[] value) {
        TopicPartition partition = new TopicPartition("ad-events", 0);
        ConsumerRecord<byte[], byte[]> record = new ConsumerRecord<>(partition.topic(), 0, 0, null, value);
        lookups.onConsume(new ConsumerRecords<>(Map.of(partition, List.of(record))));
        return "arrived";
    }

    private static String decode(AdEventDecoder decoder, byte[] value) {
        RowData row;
        try {
            row = decoder.deserialize(value);
        } catch (IOException error) {
            return "unavailable\t" + error.getMessage();
        }
        int columns = FIELDS.size();
        if (!row.isNullAt(columns + 1)) {
            return "invalid\t" + row.getString(columns + 1).toString().replace('\n', ' ');
        }
        StringBuilder line = new StringBuilder("event");
        for (int i = 0; i < columns; i++) {
            line.append('\t').append(row.isNullAt(i) ? "-" : HexFormat.of().formatHex(row.getString(i).toBytes()));
        }
        return line.append('\t').append(row.getTimestamp(columns, 3).getMillisecond()).toString();
    }
}
