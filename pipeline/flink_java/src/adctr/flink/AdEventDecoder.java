package adctr.flink;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.avro.shaded.org.apache.avro.AvroRuntimeException;
import org.apache.flink.avro.shaded.org.apache.avro.Schema;
import org.apache.flink.avro.shaded.org.apache.avro.io.BinaryDecoder;
import org.apache.flink.avro.shaded.org.apache.avro.io.Decoder;
import org.apache.flink.avro.shaded.org.apache.avro.io.DecoderFactory;
import org.apache.flink.avro.shaded.org.apache.avro.io.ResolvingDecoder;
import org.apache.flink.avro.shaded.org.apache.avro.util.Utf8;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.types.logical.RowType;

/**
 * Decodes one Kafka value into one row and never fails for what the value holds.
 *
 * <p>Column {@code decode_error} is the reason why a value cannot be an ad event (all other fields are then null),
 * {@code is_tombstone} is true for a null value, {@code raw_value} holds the value's bytes. Every rule that the
 * bytes alone decide is applied here, as in pipeline/contract/rules.py; those that need Kafka's record time are in SQL.
 *
 * <p>The byte-array decoder is re-initialised for each record: Flink's own Avro format keeps a read-ahead buffer
 * across records and loses good ones behind a truncated one.
 */
final class AdEventDecoder implements DeserializationSchema<RowData> {
    static final List<String> STATUS_COLUMNS = List.of("decode_error", "is_tombstone", "raw_value");
    private static final long serialVersionUID = 1L;
    private static final int HEADER_BYTES = 5;
    private static final int NO_SCHEMA_ID = 0;
    private static final int MOST_NAME_BYTES = 256;
    private static final Set<String> NAMES = Set.of("event_id", "campaign_id", "category");
    private static final long EARLIEST_EVENT_TIME_MS = 946_684_800_000L; // 2000-01-01
    private static final long LATEST_EVENT_TIME_MS = 253_402_300_799_999L; // 9999-12-31

    static {
        // A value may declare a string of 2 GB in five bytes; Avro allocates it before it looks. The limit is read
        // once, under a name that shading may or may not have rewritten.
        String limit = Integer.toString(16 << 20);
        for (String prefix : List.of("org.apache.avro", "org.apache.flink.avro.shaded.org.apache.avro")) {
            System.setProperty(prefix + ".limits.string.maxLength", limit);
            System.setProperty(prefix + ".limits.bytes.maxLength", limit);
            System.setProperty(prefix + ".limits.collectionItems.maxLength", limit);
        }
    }

    private final String registryUrl;
    private final String readerSchemaText;
    private final TypeInformation<RowData> producedType;
    private final int columns;
    private final int errorColumn;
    private final int tombstoneColumn;
    private final int rawColumn;
    private final Map<String, Integer> columnByField = new HashMap<>();

    private transient Schema readerSchema;
    private transient WriterSchemas writerSchemas;
    private transient FieldReader[] fieldReaders;
    private transient Map<Integer, ResolvingDecoder> resolvers;
    private transient BinaryDecoder binary;
    private transient Utf8 scratch;
    private transient int plainSchemaId;

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
        readerSchema = new Schema.Parser().parse(readerSchemaText);
        writerSchemas = WriterSchemas.of(registryUrl);
        resolvers = new HashMap<>();
        scratch = new Utf8();
        plainSchemaId = NO_SCHEMA_ID;
        fieldReaders = readerSchema.getFields().stream().map(this::fieldReader).toArray(FieldReader[]::new);
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
                error = undecodable.getMessage();
            }
        }
        set(row, errorColumn, error == null ? null : StringData.fromString(error));
        set(row, tombstoneColumn, value == null);
        set(row, rawColumn, value);
        return row;
    }

    private void decode(byte[] value, GenericRowData row) throws IOException, Undecodable {
        if (!hasHeader(value)) {
            throw new Undecodable("not in the Confluent wire format");
        }
        int schemaId = schemaId(value);
        if (schemaId < 1) {
            throw new Undecodable("schema id " + schemaId + " exists in no registry");
        }
        ResolvingDecoder resolver = schemaId == plainSchemaId ? null : resolver(schemaId);
        try {
            binary = DecoderFactory.get().binaryDecoder(value, HEADER_BYTES, value.length - HEADER_BYTES, binary);
            if (resolver == null) {
                for (FieldReader reader : fieldReaders) {
                    reader.read(binary, row);
                }
            } else {
                Structure.check(writerSchemas.get(schemaId), value, HEADER_BYTES);
                resolver.configure(binary);
                for (Schema.Field field : resolver.readFieldOrder()) {
                    fieldReaders[field.pos()].read(resolver, row);
                }
                resolver.drain();
            }
            if (!binary.isEnd()) {
                throw new Undecodable("bytes are left after the event");
            }
        } catch (IOException | RuntimeException | StackOverflowError error) {
            // The registry was asked before: from here on only the bytes can be wrong. (A record may contain itself.)
            throw new Undecodable("not an ad event: " + error);
        }
    }

    /** The id in a value's header; 0, which is no id, where there is none. */
    static int schemaId(byte[] value) {
        return hasHeader(value) ? ByteBuffer.wrap(value).getInt(1) : NO_SCHEMA_ID;
    }

    private static boolean hasHeader(byte[] value) {
        return value != null && value.length >= HEADER_BYTES && value[0] == 0;
    }

    /** The resolver from a writer's schema to ours, or null where they are the same. */
    private ResolvingDecoder resolver(int schemaId) throws IOException, Undecodable {
        ResolvingDecoder resolver = resolvers.get(schemaId);
        if (resolver != null) {
            return resolver;
        }
        Schema writer = writerSchemas.get(schemaId);
        if (writer.equals(readerSchema)) {
            plainSchemaId = schemaId;
            return null;
        }
        try {
            resolver = DecoderFactory.get().resolvingDecoder(writer, readerSchema, null);
        } catch (IOException | AvroRuntimeException error) {
            throw new Undecodable("schema id " + schemaId + " does not resolve to an ad event: " + error.getMessage());
        }
        resolvers.put(schemaId, resolver);
        return resolver;
    }

    /** Reads one field of the reader schema, checks it, and stores it where the table has a column for it. */
    private interface FieldReader {
        void read(Decoder in, GenericRowData row) throws IOException, Undecodable;
    }

    private FieldReader fieldReader(Schema.Field field) {
        int column = columnByField.getOrDefault(field.name(), -1);
        switch (field.schema().getType()) {
            case STRING:
                boolean isName = NAMES.contains(field.name());
                return (in, row) -> readString(in, row, column, field.name(), isName);
            case UNION: // of null and string, in this order
                return (in, row) -> {
                    int branch = in.readIndex();
                    if (branch == 0) {
                        in.readNull();
                    } else if (branch == 1) {
                        readString(in, row, column, field.name(), false);
                    } else {
                        throw new Undecodable(field.name() + " has no branch " + branch);
                    }
                };
            case ENUM:
                StringData[] symbols = field.schema().getEnumSymbols().stream()
                        .map(BinaryStringData::fromString).toArray(StringData[]::new);
                return (in, row) -> {
                    int symbol = in.readEnum();
                    if (symbol < 0 || symbol >= symbols.length) {
                        throw new Undecodable(field.name() + " is unknown: " + symbol);
                    }
                    set(row, column, symbols[symbol]);
                };
            case LONG:
                return (in, row) -> {
                    long time = in.readLong();
                    if (time < EARLIEST_EVENT_TIME_MS || time > LATEST_EVENT_TIME_MS) {
                        throw new Undecodable(field.name() + " is out of range: " + time);
                    }
                    set(row, column, TimestampData.fromEpochMillis(time));
                };
            default:
                throw new IllegalArgumentException("field " + field.name() + ": no reader for " + field.schema());
        }
    }

    private void readString(Decoder in, GenericRowData row, int column, String name, boolean isName)
            throws IOException, Undecodable {
        scratch = in.readString(scratch);
        int length = scratch.getByteLength();
        if (isName && (length == 0 || length > MOST_NAME_BYTES)) {
            throw new Undecodable(name + " has " + length + " bytes, allowed are 1 to " + MOST_NAME_BYTES);
        }
        byte[] bytes = scratch.getBytes();
        requireText(bytes, length, name);
        if (column >= 0) {
            byte[] copy = new byte[length];
            System.arraycopy(bytes, 0, copy, 0, length);
            row.setField(column, BinaryStringData.fromBytes(copy));
        }
    }

    private static void requireText(byte[] bytes, int length, String name) throws Undecodable {
        boolean ascii = true;
        for (int i = 0; i < length; i++) {
            if (bytes[i] == 0) {
                throw new Undecodable(name + " contains NUL");
            }
            ascii &= bytes[i] > 0;
        }
        if (!ascii) {
            try {
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, length));
            } catch (CharacterCodingException error) {
                throw new Undecodable(name + " is not valid UTF-8");
            }
        }
    }

    private static void set(GenericRowData row, int column, Object value) {
        if (column >= 0) {
            row.setField(column, value);
        }
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
