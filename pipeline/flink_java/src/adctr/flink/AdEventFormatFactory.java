package adctr.flink;

import java.util.HashSet;
import java.util.Set;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/**
 * The table format {@code ad-event}: Avro in the Confluent wire format, one row per record, whatever the record holds.
 *
 * <p>A table names the fields of the reader schema that it wants, and any of the columns in {@link AdEventDecoder}
 * that give the outcome of the record. Fields it does not name are checked but not materialised.
 */
public final class AdEventFormatFactory implements DeserializationFormatFactory {
    private static final ConfigOption<String> REGISTRY_URL =
            ConfigOptions.key("registry-url").stringType().noDefaultValue();
    private static final ConfigOption<String> READER_SCHEMA =
            ConfigOptions.key("reader-schema").stringType().noDefaultValue();

    @Override
    public DecodingFormat<DeserializationSchema<RowData>> createDecodingFormat(
            DynamicTableFactory.Context context, ReadableConfig options) {
        FactoryUtil.validateFactoryOptions(this, options);
        String registryUrl = options.get(REGISTRY_URL);
        String readerSchema = options.get(READER_SCHEMA);
        return new DecodingFormat<>() {
            @Override
            public DeserializationSchema<RowData> createRuntimeDecoder(
                    DynamicTableSource.Context sourceContext, DataType physicalType) {
                RowType row = (RowType) physicalType.getLogicalType();
                requireKnownColumns(row, readerSchema);
                return new AdEventDecoder(
                        registryUrl, readerSchema, row, sourceContext.createTypeInformation(physicalType));
            }

            @Override
            public ChangelogMode getChangelogMode() {
                return ChangelogMode.insertOnly();
            }
        };
    }

    private static void requireKnownColumns(RowType row, String readerSchema) {
        Set<String> known = new HashSet<>(AdEventDecoder.STATUS_COLUMNS);
        try {
            known.addAll(AvroType.parse(readerSchema).names);
        } catch (Undecodable error) {
            throw new ValidationException("Option 'reader-schema': " + error.getMessage());
        }
        for (String column : row.getFieldNames()) {
            if (!known.contains(column)) {
                throw new ValidationException("Column '" + column + "' is none of " + known);
            }
        }
    }

    @Override
    public String factoryIdentifier() {
        return "ad-event";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(REGISTRY_URL, READER_SCHEMA);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }
}
