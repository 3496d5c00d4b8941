package adctr.flink;

import java.util.List;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

/**
 * The table sink {@code adctr-copy}: appends rows to a PostgreSQL table by binary COPY. The table's primary key makes
 * it exactly-once: rows that are there already, after a replay, are left alone.
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
        return new CopyTableSink(new CopySink(
                options.get(URL), options.get(USERNAME), options.get(PASSWORD), options.get(TABLE),
                List.copyOf(row.getFieldNames()), types));
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
            return ChangelogMode.insertOnly();
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
