package adctr.flink;

import java.util.Optional;
import org.apache.flink.connector.jdbc.core.table.JdbcDynamicTableFactory;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.sink.DataStreamSinkProvider;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.legacy.SinkFunctionProvider;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.RowKind;

/**
 * The table sink {@code adctr-jdbc}: Flink's {@code jdbc} with the same options, without retractions.
 *
 * <p>A group window that fires early sends each new count as UPDATE_BEFORE and UPDATE_AFTER, whatever mode the planner
 * has agreed on with the sink (AggregateWindowOperator.emitWindowResult). The JDBC sink turns the first into a DELETE;
 * when its buffer is flushed between the two, the row is gone until the next flush.
 *
 * <p>It has a thread of its own: chained to the source, decoding and PostgreSQL would wait for each other.
 */
public final class UpsertJdbcFactory extends JdbcDynamicTableFactory {
    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        return new UpsertOnly(super.createDynamicTableSink(context));
    }

    @Override
    public String factoryIdentifier() {
        return "adctr-jdbc";
    }

    private record UpsertOnly(DynamicTableSink jdbc) implements DynamicTableSink {
        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            jdbc.getChangelogMode(requested); // throws where updates come without a primary key
            return Upserts.MODE;
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            SinkFunctionProvider provider = (SinkFunctionProvider) jdbc.getSinkRuntimeProvider(context);
            return new DataStreamSinkProvider() {
                @Override
                public DataStreamSink<?> consumeDataStream(ProviderContext context, DataStream<RowData> rows) {
                    return rows.filter(row -> row.getRowKind() != RowKind.UPDATE_BEFORE)
                            .setParallelism(rows.getParallelism())
                            .addSink(provider.createSinkFunction())
                            .setParallelism(rows.getParallelism())
                            .disableChaining();
                }

                @Override
                public Optional<Integer> getParallelism() {
                    return provider.getParallelism();
                }
            };
        }

        @Override
        public DynamicTableSink copy() {
            return new UpsertOnly(jdbc.copy());
        }

        @Override
        public String asSummaryString() {
            return "upserts to " + jdbc.asSummaryString();
        }
    }
}
