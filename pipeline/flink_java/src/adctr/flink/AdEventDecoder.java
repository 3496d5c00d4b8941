package adctr.flink;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.RowType;

/**
 * Decodes one Kafka value into one row and never fails for what the value or its writer's schema holds.
 *
 * <p>Column {@code decode_error} is the reason why a value cannot be an ad event (all other fields are then null),
 * {@code is_tombstone} is true for a null value, {@code raw_value} holds the value's bytes. Every rule that the
 * bytes alone decide is applied here, as in pipeline/contract/rules.py; those that need Kafka's record time are in SQL.
 */
final class AdEventDecoder implements DeserializationSchema<RowData> {
    static final List<String> STATUS_COLUMNS = List.of("decode_error", "is_tombstone", "raw_value");
    private static final long serialVersionUID = 1L;
    private static final int HEADER_BYTES = 5;
    private static final int NO_SCHEMA_ID = 0;
    private static final int MOST_KNOWN_SCHEMAS = 10_000;

    private final String registryUrl;
    private final String readerSchemaText;
    private final TypeInformation<RowData> producedType;
    private final int columns;
    private final int errorColumn;
    private final int tombstoneColumn;
    private final int rawColumn;
    private final Map<String, Integer> columnByField = new HashMap<>();

    private transient WriterSchemas writerSchemas;
    private transient AvroType ours;
    private transient EventFields fields;
    private transient Map<Integer, EventFields.Plan> plans;
    private transient int plainSchemaId;
    private transient EventFields.Plan plain;
    private transient long steps;

    AdEventDecoder(String registryUrl, String readerSchemaText, RowType row, TypeInformation<RowData> producedType) {
        this.registryUrl = registryUrl;
        this.readerSchemaText = readerSchemaText;
        this.producedType = producedType;
        columns = row.getFieldCount();
        errorColumn = row.getFieldIndex("decode_error");
        tombstoneColumn = row.getFieldIndex("is_tombstone");
        rawColumn = row.getFieldIndex("raw_value");
        row.getFieldNames().forEach(name -> columnByField.put(name, row.getFieldIndex(name)));
    }

    @Override
    public void open(InitializationContext context) {
        try {
            ours = AvroType.parse(readerSchemaText);
        } catch (Undecodable error) {
            throw new IllegalArgumentException("option reader-schema: " + error.getMessage());
        }
        fields = new EventFields(ours, columnByField);
        plain = new EventFields.Plan(ours);
        writerSchemas = WriterSchemas.of(registryUrl);
        plans = new HashMap<>();
        plainSchemaId = NO_SCHEMA_ID;
    }

    @Override
    public RowData deserialize(byte[] value) throws IOException {
        GenericRowData row = new GenericRowData(columns);
        String error = null;
        if (value != null) {
            try {
                decode(value, row);
            } catch (Undecodable undecodable) {
                row = new GenericRowData(columns);
                error = undecodable.reason.of(undecodable.getMessage());
            }
        }
        EventFields.set(row, errorColumn, error == null ? null : StringData.fromString(error));
        EventFields.set(row, tombstoneColumn, value == null);
        EventFields.set(row, rawColumn, value);
        return row;
    }

    private void decode(byte[] value, GenericRowData row) throws IOException, Undecodable {
        if (!hasHeader(value)) {
            throw new Undecodable(Reason.NOT_FRAMED, "not in the Confluent wire format");
        }
        int schemaId = schemaId(value);
        if (schemaId < 1) {
            throw new Undecodable(Reason.SCHEMA_UNKNOWN, "schema id " + schemaId + " exists in no registry");
        }
        EventFields.Plan plan = schemaId == plainSchemaId ? plain : plan(schemaId);
        Walk walk = new Walk(value, HEADER_BYTES);
        try {
            fields.read(walk, plan, row);
        } catch (RuntimeException | StackOverflowError error) {
            // The registry was asked before: from here on only the bytes can be wrong. Other errors of the JVM, such as
            // OutOfMemoryError, are not the record's: no value makes the walk allocate more than its own size.
            throw new Undecodable("not an ad event: " + error);
        } finally {
            steps = walk.steps();
        }
    }

    /** How many steps the last value took that came as far as being read; for tests. */
    long steps() {
        return steps;
    }

    /** The id in a value's header; 0, which is no id, where there is none. */
    static int schemaId(byte[] value) {
        return hasHeader(value) ? ByteBuffer.wrap(value).getInt(1) : NO_SCHEMA_ID;
    }

    private static boolean hasHeader(byte[] value) {
        return value != null && value.length >= HEADER_BYTES && value[0] == 0;
    }

    private EventFields.Plan plan(int schemaId) throws IOException, Undecodable {
        EventFields.Plan plan = plans.get(schemaId);
        if (plan == null) {
            AvroType writer = writerSchemas.get(schemaId);
            if (writer.hasLayoutOf(ours)) {
                plainSchemaId = schemaId;
                return plain;
            }
            if (plans.size() >= MOST_KNOWN_SCHEMAS) {
                plans.clear();
            }
            plan = new EventFields.Plan(writer);
            plans.put(schemaId, plan);
        }
        return plan;
    }

    @Override
    public boolean isEndOfStream(RowData row) {
        return false;
    }

    @Override
    public TypeInformation<RowData> getProducedType() {
        return producedType;
    }
}
