package adctr.flink;

import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;

/**
 * Counts events per minute, campaign and category for a moment and passes the counts on, each as one row with the
 * timestamp of its newest event: what Flink's own two-phase aggregation does before a shuffle, for which it has no group
 * windows.
 *
 * <p>Rows in and out are those of {@link CombinedCounts}. Every window size must be whole minutes.
 *
 * <p>Nothing outlives a checkpoint or a watermark here: both wait until all has been passed on, so nothing needs state
 * and no row comes later than its events would have.
 */
final class CombineOperator extends AbstractStreamOperator<RowData>
        implements OneInputStreamOperator<RowData, RowData>, BoundedOneInput {
    private static final long serialVersionUID = 1L;

    private final long lingerMs;
    private transient CombinedCounts counts;
    private transient StreamRecord<RowData> out;
    private transient boolean sendScheduled;

    CombineOperator(long lingerMs) {
        this.lingerMs = lingerMs;
    }

    @Override
    public void open() throws Exception {
        super.open();
        counts = new CombinedCounts();
        out = new StreamRecord<>(null);
    }

    @Override
    public void processElement(StreamRecord<RowData> element) {
        counts.add(element.getValue());
        if (counts.isFull()) {
            send();
        } else if (!sendScheduled) {
            sendScheduled = true;
            long now = getProcessingTimeService().getCurrentProcessingTime();
            getProcessingTimeService().registerTimer(now + lingerMs, time -> {
                sendScheduled = false;
                send();
            });
        }
    }

    private void send() {
        counts.drainTo((row, newestMs) -> output.collect(out.replace(row, newestMs)));
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        send();
        super.processWatermark(mark);
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) {
        send();
    }

    @Override
    public void endInput() {
        send();
    }
}
