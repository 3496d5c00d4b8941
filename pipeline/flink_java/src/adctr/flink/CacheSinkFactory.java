package adctr.flink;

import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;

/**
 * The table sink {@code adctr-cache}: upserts window counts into Redis by pipeline/contract/cache_schema.py and then
 * publishes the watermark. Columns, in this order: window_start TIMESTAMP(3), campaign_id STRING, category STRING,
 * impressions BIGINT, clicks BIGINT.
 */
public final class CacheSinkFactory implements DynamicTableSinkFactory {
    private static final ConfigOption<String> HOST = ConfigOptions.key("host").stringType().noDefaultValue();
    private static final ConfigOption<Integer> PORT = ConfigOptions.key("port").intType().noDefaultValue();
    private static final ConfigOption<String> USER = ConfigOptions.key("user").stringType().defaultValue("default");
    private static final ConfigOption<String> PASSWORD = ConfigOptions.key("password").stringType().defaultValue("");
    private static final ConfigOption<Integer> SIZE_SECONDS =
            ConfigOptions.key("size-seconds").intType().noDefaultValue();
    private static final ConfigOption<Integer> RETENTION_SECONDS =
            ConfigOptions.key("retention-seconds").intType().noDefaultValue();
    private static final ConfigOption<String> RAISE_COUNTS =
            ConfigOptions.key("raise-counts-script").stringType().noDefaultValue();
    private static final ConfigOption<String> RAISE_WATERMARK =
            ConfigOptions.key("raise-watermark-script").stringType().noDefaultValue();

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validate();
        ReadableConfig options = helper.getOptions();
        return new CacheTableSink(new CacheSink(
                options.get(HOST), options.get(PORT), options.get(USER), options.get(PASSWORD),
                options.get(SIZE_SECONDS), options.get(RETENTION_SECONDS), options.get(RAISE_COUNTS),
                options.get(RAISE_WATERMARK)));
    }

    @Override
    public String factoryIdentifier() {
        return "adctr-cache";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(HOST, PORT, SIZE_SECONDS, RETENTION_SECONDS, RAISE_COUNTS, RAISE_WATERMARK);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of(USER, PASSWORD);
    }

    private record CacheTableSink(CacheSink sink) implements DynamicTableSink {
        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            return Upserts.MODE;
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            return SinkV2Provider.of(sink, 1); // one writer: its watermark is the minimum over all window operators
        }

        @Override
        public DynamicTableSink copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return "Redis cache";
        }
    }
}
