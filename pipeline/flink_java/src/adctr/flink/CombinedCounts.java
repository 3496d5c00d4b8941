package adctr.flink;

import java.util.HashMap;
import java.util.Map;
import java.util.function.ObjLongConsumer;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;

/**
 * Counts of events per minute, campaign and category until they are taken out. Events are rows of event_time
 * TIMESTAMP_LTZ(3), campaign_id STRING, category STRING, click BOOLEAN.
 */
final class CombinedCounts {
    private static final long MINUTE_MS = 60_000;
    private static final int MOST_CELLS = 5_000;

    private record Cell(long minute, StringData campaignId, StringData category) {}

    private static final class Counts {
        private long impressions;
        private long clicks;
        private long newestMs = Long.MIN_VALUE;
    }

    private final Map<Cell, Counts> cells = new HashMap<>();

    void add(RowData event) {
        long eventTimeMs = event.getTimestamp(0, 3).getMillisecond();
        Cell cell = new Cell(Math.floorDiv(eventTimeMs, MINUTE_MS), event.getString(1), event.getString(2));
        Counts counts = cells.computeIfAbsent(cell, first -> new Counts());
        if (event.getBoolean(3)) {
            counts.clicks++;
        } else {
            counts.impressions++;
        }
        counts.newestMs = Math.max(counts.newestMs, eventTimeMs);
    }

    boolean isFull() {
        return cells.size() >= MOST_CELLS;
    }

    /**
     * Takes everything out: per cell a row of campaign_id, category, impressions BIGINT, clicks BIGINT and the time of its
     * newest event in milliseconds.
     */
    void drainTo(ObjLongConsumer<RowData> rows) {
        cells.forEach((cell, counts) -> rows.accept(
                GenericRowData.of(cell.campaignId(), cell.category(), counts.impressions, counts.clicks), counts.newestMs));
        cells.clear();
    }
}
