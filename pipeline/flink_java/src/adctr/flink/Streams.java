package adctr.flink;

import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.VarCharType;

/** What pipeline/job.py needs of Flink beside SQL, for a job's table environment. Rows stay in Flink's own format. */
public final class Streams {
    private static final DataType EVENTS = DataTypes.ROW(
                    DataTypes.FIELD("event_time", DataTypes.TIMESTAMP_LTZ(3)),
                    DataTypes.FIELD("campaign_id", DataTypes.STRING()),
                    DataTypes.FIELD("category", DataTypes.STRING()),
                    DataTypes.FIELD("click", DataTypes.BOOLEAN()))
            .bridgedTo(RowData.class);
    private static final InternalTypeInfo<RowData> COUNTS = InternalTypeInfo.ofFields(
            new LogicalType[] {
                VarCharType.STRING_TYPE, VarCharType.STRING_TYPE, new BigIntType(false), new BigIntType(false)
            },
            new String[] {"campaign_id", "category", "impressions", "clicks"});
    private static final Schema COUNTS_SCHEMA = Schema.newBuilder()
            .column("campaign_id", DataTypes.STRING())
            .column("category", DataTypes.STRING())
            .column("impressions", DataTypes.BIGINT().notNull())
            .column("clicks", DataTypes.BIGINT().notNull())
            .columnByMetadata("event_time", DataTypes.TIMESTAMP_LTZ(3), "rowtime")
            .watermark("event_time", "SOURCE_WATERMARK()")
            .build();

    private Streams() {}

    /**
     * Makes a view of a query, whose plan everything that reads the view has in common; a table's source would be planned
     * once for each statement set and once for each stream.
     *
     * <p>The query's watermark is that of column {@code timeColumn}. A view that declares none holds watermarks back.
     */
    public static void share(StreamTableEnvironment tables, String query, String timeColumn, String view) {
        Table rows = tables.sqlQuery(query);
        DataType type = rows.getResolvedSchema().toPhysicalRowDataType().bridgedTo(RowData.class);
        Schema schema = Schema.newBuilder()
                .fromRowDataType(type)
                .watermark(timeColumn, "SOURCE_WATERMARK()")
                .build();
        tables.createTemporaryView(view, tables.toDataStream(rows, type), schema);
    }

    /**
     * Makes a view of counts per minute, campaign and category from a query of events, as {@link CombineOperator} has
     * them in and out, with the events' watermark.
     */
    public static void combine(StreamTableEnvironment tables, String query, String view, long lingerMs) {
        DataStream<RowData> events = tables.toDataStream(tables.sqlQuery(query), EVENTS);
        DataStream<RowData> counts = events.transform("Combine", COUNTS, new CombineOperator(lingerMs));
        tables.createTemporaryView(view, counts, COUNTS_SCHEMA);
    }
}
