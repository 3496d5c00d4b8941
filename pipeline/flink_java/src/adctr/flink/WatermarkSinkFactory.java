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
 * The table sink {@code adctr-watermark}: takes any rows, keeps none, and publishes their watermark in
 * {@code realtime.watermarks} once the checkpoint that covers it is complete.
 */
public final class WatermarkSinkFactory implements DynamicTableSinkFactory {
    private static final ConfigOption<String> URL = ConfigOptions.key("url").stringType().noDefaultValue();
    private static final ConfigOption<String> USERNAME = ConfigOptions.key("username").stringType().noDefaultValue();
    private static final ConfigOption<String> PASSWORD = ConfigOptions.key("password").stringType().noDefaultValue();
    private static final ConfigOption<String> JOB = ConfigOptions.key("job").stringType().noDefaultValue();

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validate();
        ReadableConfig options = helper.getOptions();
        return new WatermarkTableSink(new WatermarkSink(
                options.get(URL), options.get(USERNAME), options.get(PASSWORD), options.get(JOB)));
    }

    @Override
    public String factoryIdentifier() {
        return "adctr-watermark";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(URL, USERNAME, PASSWORD, JOB);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }

    private record WatermarkTableSink(WatermarkSink sink) implements DynamicTableSink {
        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            return Upserts.MODE;
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            return SinkV2Provider.of(sink, 1); // one writer: its watermark is the minimum over all inputs
        }

        @Override
        public DynamicTableSink copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return "watermark";
        }
    }
}
