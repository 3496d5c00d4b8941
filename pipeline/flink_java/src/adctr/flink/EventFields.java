package adctr.flink;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryStringData;

/**
 * Reads the fields of an ad event out of a value by its writer's schema, checks them, and stores those that the table
 * has a column for: the part of the rule in docs/contract.md that concerns values, as in pipeline/contract/codec.py.
 */
final class EventFields {
    private static final int MOST_NAME_BYTES = 256;
    private static final Set<String> NAMES = Set.of("event_id", "campaign_id", "category");
    private static final long EARLIEST_EVENT_TIME_MS = 946_684_800_000L; // 2000-01-01
    private static final long LATEST_EVENT_TIME_MS = 253_402_300_799_999L; // 9999-12-31
    private static final FieldReader SKIP = (walk, type, row) -> walk.skip(type);

    private final AvroType ours;
    private final int[] columns;
    private final FieldReader[] readers;

    /** {@code columnByField} has the row's column of each field that the table names. */
    EventFields(AvroType ours, Map<String, Integer> columnByField) {
        this.ours = ours;
        columns = ours.names.stream().mapToInt(name -> columnByField.getOrDefault(name, -1)).toArray();
        readers = new FieldReader[columns.length];
        for (int i = 0; i < readers.length; i++) {
            readers[i] = reader(ours.names.get(i), ours.parts.get(i), columns[i]);
        }
    }

    /** Reads one field, the walk being at its value; {@code type} is the writer's. */
    private interface FieldReader {
        void read(Walk walk, AvroType type, GenericRowData row) throws Undecodable;
    }

    /** What is done with a record's fields, and the values of our fields that it lacks, by column. */
    private record RecordPlan(FieldReader[] readers, Map<Integer, StringData> defaults) {}

    /** A writer's schema, and a plan for each record that may stand at its top. */
    static final class Plan {
        private final AvroType writer;
        private final Map<AvroType, RecordPlan> byRecord = new IdentityHashMap<>(2);

        Plan(AvroType writer) {
            this.writer = writer;
        }
    }

    /** Reads a whole value into a row. */
    void read(Walk walk, Plan plan, GenericRowData row) throws Undecodable {
        AvroType record = walk.enter(plan.writer);
        RecordPlan fields = plan.byRecord.get(record);
        if (fields == null) {
            fields = planOf(record);
            plan.byRecord.put(record, fields);
        }
        fields.defaults.forEach(row::setField);
        for (int i = 0; i < fields.readers.length; i++) {
            fields.readers[i].read(walk, record.parts.get(i), row);
        }
        walk.requireEnd();
    }

    private RecordPlan planOf(AvroType record) throws Undecodable {
        if (record.kind != AvroType.Kind.RECORD) {
            throw new Undecodable("the value is of type " + record.kindName() + ", not a record");
        }
        FieldReader[] found = new FieldReader[record.names.size()];
        Arrays.fill(found, SKIP);
        Map<Integer, StringData> defaults = new HashMap<>();
        for (int i = 0; i < readers.length; i++) {
            String name = ours.names.get(i);
            int at = record.names.indexOf(name);
            if (at != record.names.lastIndexOf(name)) {
                throw new Undecodable("the writer's schema has field " + name + " twice");
            }
            if (at >= 0) {
                found[at] = readers[i];
            } else if (!ours.defaults.containsKey(name)) {
                throw new Undecodable("the writer's schema lacks " + name);
            } else if (columns[i] >= 0) {
                defaults.put(columns[i], StringData.fromString((String) ours.defaults.get(name)));
            }
        }
        return new RecordPlan(found, defaults);
    }

    private static FieldReader reader(String name, AvroType type, int column) {
        switch (type.kind) {
            case STRING:
                boolean isName = NAMES.contains(name);
                return (walk, writer, row) -> readText(walk, walk.enter(writer), row, column, name, isName);
            case UNION: // of null and string
                return (walk, writer, row) -> {
                    AvroType branch = walk.enter(writer);
                    if (branch.kind != AvroType.Kind.NULL) {
                        readText(walk, walk.enter(branch), row, column, name, false);
                    }
                };
            case ENUM:
                return enumReader(name, type.names, column);
            case LONG:
                return (walk, writer, row) -> readTime(walk, walk.enter(writer), row, column, name);
            default:
                throw new IllegalArgumentException("field " + name + ": no reader for " + type.kindName());
        }
    }

    private static void readText(
            Walk walk, AvroType type, GenericRowData row, int column, String name, boolean isName) throws Undecodable {
        if (type.kind != AvroType.Kind.STRING && type.kind != AvroType.Kind.BYTES) {
            throw misfit(name, type, "string");
        }
        int length = walk.readSized();
        int end = walk.position();
        if (isName && (length == 0 || length > MOST_NAME_BYTES)) {
            throw new Undecodable(name + " has " + length + " bytes, allowed are 1 to " + MOST_NAME_BYTES);
        }
        requireText(walk.data, end - length, end, name);
        if (column >= 0) {
            row.setField(column, BinaryStringData.fromBytes(Arrays.copyOfRange(walk.data, end - length, end)));
        }
    }

    private static void requireText(byte[] bytes, int start, int end, String name) throws Undecodable {
        boolean ascii = true;
        for (int i = start; i < end; i++) {
            if (bytes[i] == 0) {
                throw new Undecodable(name + " contains NUL");
            }
            ascii &= bytes[i] > 0;
        }
        if (!ascii) {
            try {
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, start, end - start));
            } catch (CharacterCodingException error) {
                throw new Undecodable(name + " is not valid UTF-8");
            }
        }
    }

    private static FieldReader enumReader(String name, List<String> known, int column) {
        Map<String, StringData> symbols = new HashMap<>();
        known.forEach(symbol -> symbols.put(symbol, BinaryStringData.fromString(symbol)));
        return (walk, writer, row) -> {
            AvroType type = walk.enter(writer);
            if (type.kind != AvroType.Kind.ENUM) {
                throw misfit(name, type, "enum");
            }
            String symbol = type.names.get(walk.readIndex("enum", type.names.size()));
            StringData ours = symbols.get(symbol);
            if (ours == null) {
                throw new Undecodable(
                        name + " is " + AvroType.shown(symbol) + ", not one of " + String.join(", ", known));
            }
            set(row, column, ours);
        };
    }

    private static void readTime(Walk walk, AvroType type, GenericRowData row, int column, String name)
            throws Undecodable {
        boolean isInt = type.kind == AvroType.Kind.INT;
        if (!isInt && type.kind != AvroType.Kind.LONG) {
            throw misfit(name, type, "long");
        }
        long time = isInt ? walk.readInt() : walk.readLong();
        if (time < EARLIEST_EVENT_TIME_MS || time > LATEST_EVENT_TIME_MS) {
            throw new Undecodable(name + " is out of range: " + time);
        }
        set(row, column, TimestampData.fromEpochMillis(time));
    }

    private static Undecodable misfit(String name, AvroType type, String wanted) {
        return new Undecodable(name + " is of type " + type.kindName() + ", not " + wanted);
    }

    static void set(GenericRowData row, int column, Object value) {
        if (column >= 0) {
            row.setField(column, value);
        }
    }
}
