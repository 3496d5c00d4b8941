package adctr.flink;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaString;
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
 * Decodes records as the jobs do, as the lines of the standard input say, and writes a line about each value.
 *
 * <p>Arguments: the registry's URL, the file of our schema. A line is a command and values in hex: {@code arrive} shows
 * them to the interceptor of the consumer as one poll, {@code decode} prints {@code invalid} and the reason,
 * {@code unavailable} and the reason, {@code exception}, or {@code event} and its fields. {@code steps} prints how many
 * steps the last value took. {@code sabotage} has the name of a Throwable, which reading then throws. {@code example} has a schema's text before its values, in UTF-16, which the registry is taken
 * to have under each id; it prints a line with the steps and what {@code decode} says for each value.
 */
final class DecodeRecords {
    private static final List<String> FIELDS = List.of(
            "event_id", "event_type", "user_id", "ad_id", "campaign_id", "category", "placement", "device",
            "impression_id");

    private final AdEventDecoder decoder;
    private final SchemaLookups lookups = new SchemaLookups();
    private final WriterSchemas schemas;

    private DecodeRecords(String registryUrl, String schema) {
        LogicalType text = new VarCharType(VarCharType.MAX_LENGTH);
        List<RowType.RowField> columns = new ArrayList<>();
        FIELDS.forEach(name -> columns.add(new RowType.RowField(name, text)));
        columns.add(new RowType.RowField("event_time", new TimestampType(3)));
        columns.add(new RowType.RowField("decode_error", text));
        columns.add(new RowType.RowField("is_tombstone", new BooleanType()));
        decoder = new AdEventDecoder(registryUrl, schema, new RowType(columns), null);
        decoder.open(null);
        lookups.configure(Map.of(SchemaLookups.REGISTRY_URL, registryUrl));
        schemas = WriterSchemas.of(registryUrl);
    }

    public static void main(String[] arguments) throws Exception {
        WriterSchemas.mostWaitMs = 2_000;
        DecodeRecords decode = new DecodeRecords(arguments[0], Files.readString(Path.of(arguments[1])));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ", -1);
            List<byte[]> values = new ArrayList<>();
            for (int i = 1; i < words.length; i++) {
                values.add(HexFormat.of().parseHex(words[i]));
            }
            switch (words[0]) {
                case "arrive" -> out.println(decode.arrive(values));
                case "sabotage" -> out.println(decode.sabotage(new String(values.get(0), StandardCharsets.US_ASCII)));
                case "steps" -> out.println(decode.decoder.steps());
                case "example" -> decode.example(values).forEach(out::println);
                default -> out.println(decode.decode(values.get(0)));
            }
            out.flush();
        }
    }

    private String arrive(List<byte[]> values) {
        TopicPartition partition = new TopicPartition("ad-events", 0);
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        values.forEach(value -> records.add(new ConsumerRecord<>("ad-events", 0, records.size(), null, value)));
        lookups.onConsume(new ConsumerRecords<>(Map.of(partition, records)));
        return "arrived";
    }

    /** From now on reading the first field throws: what nobody thought of. */
    private String sabotage(String thrown) throws ReflectiveOperationException {
        Object fields = field(AdEventDecoder.class, "fields").get(decoder);
        Object[] readers = (Object[]) field(EventFields.class, "readers").get(fields);
        Class<?> type = readers.getClass().getComponentType();
        readers[0] = Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
            throw (Throwable) Class.forName(thrown).getConstructor().newInstance();
        });
        return "sabotaged";
    }

    private static Field field(Class<?> owner, String name) throws ReflectiveOperationException {
        Field field = owner.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }

    private List<String> example(List<byte[]> words) throws ReflectiveOperationException {
        for (String cache : List.of("known", "unusable", "unknown")) {
            Object ids = field(WriterSchemas.class, cache).get(schemas);
            if (ids instanceof Map) {
                ((Map<?, ?>) ids).clear();
            } else {
                ((Collection<?>) ids).clear();
            }
        }
        decoder.open(null);
        SchemaString answer = new SchemaString(text(words.get(0)));
        List<String> lines = new ArrayList<>();
        for (byte[] value : words.subList(1, words.size())) {
            int id = AdEventDecoder.schemaId(value);
            if (id > 0) {
                try {
                    schemas.remember(id, answer);
                } catch (Undecodable noSchema) { // the decoder will say so
                }
            }
            String line = decode(value);
            lines.add(decoder.steps() + "\t" + line);
        }
        return lines;
    }

    /** Java's decoder of UTF-16 would replace a surrogate that stands alone. */
    private static String text(byte[] bytes) {
        StringBuilder exact = new StringBuilder(bytes.length / 2);
        for (int i = 0; i < bytes.length; i += 2) {
            exact.append((char) ((bytes[i] & 0xFF) << 8 | bytes[i + 1] & 0xFF));
        }
        return exact.toString();
    }

    private String decode(byte[] value) {
        RowData row;
        try {
            row = decoder.deserialize(value);
        } catch (IOException error) {
            return "unavailable\t" + error.getMessage();
        } catch (Throwable error) {
            return "exception\t" + error;
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
