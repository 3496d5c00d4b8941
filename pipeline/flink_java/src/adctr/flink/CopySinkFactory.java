package adctr.flink;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

/**
 * The table sink {@code adctr-copy}: rows into a PostgreSQL table by binary COPY, exactly once by its primary key.
 *
 * <p>Declared without a primary key it appends: rows that are there already, after a replay, are left alone. With one,
 * whose columns come first, it upserts: the newest version of a row replaces the one before.
 */
public final class CopySinkFactory implements DynamicTableSinkFactory {
    private static final ConfigOption<String> URL = ConfigOptions.key("url").stringType().noDefaultValue();
    private static final ConfigOption<String> USERNAME = ConfigOptions.key("username").stringType().noDefaultValue();
    private static final ConfigOption<String> PASSWORD = ConfigOptions.key("password").stringType().noDefaultValue();
    private static final ConfigOption<String> TABLE = ConfigOptions.key("table-name").stringType().noDefaultValue();

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validate();
        ReadableConfig options = helper.getOptions();
        RowType row = (RowType) context.getPhysicalRowDataType().getLogicalType();
        List<LogicalType> types = List.copyOf(row.getChildren());
        int[] key = context.getPrimaryKeyIndexes();
        if (!Arrays.equals(key, IntStream.range(0, key.length).toArray())) {
            throw new ValidationException("adctr-copy: the primary key's columns must come first, in its order");
        }
        return new CopyTableSink(new CopySink(
                options.get(URL), options.get(USERNAME), options.get(PASSWORD), options.get(TABLE),
                List.copyOf(row.getFieldNames()), types, key.length));
    }

    @Override
    public String factoryIdentifier() {
        return "adctr-copy";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(URL, USERNAME, PASSWORD, TABLE);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }

    private record CopyTableSink(CopySink sink) implements DynamicTableSink {
        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            return sink.upserts() ? Upserts.MODE : ChangelogMode.insertOnly();
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            return SinkV2Provider.of(sink);
        }

        @Override
        public DynamicTableSink copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return "COPY into " + sink.table();
        }
    }
}
