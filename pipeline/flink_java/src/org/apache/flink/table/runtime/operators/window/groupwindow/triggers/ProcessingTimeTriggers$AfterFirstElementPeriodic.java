package org.apache.flink.table.runtime.operators.window.groupwindow.triggers;

import java.io.IOException;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.table.runtime.operators.window.Window;

/**
 * What {@code table.exec.emit.early-fire.delay} makes of a window, in place of Flink's class of this name: fires so long
 * after an element came, or when the window ends before that, and then not before another one has come.
 *
 * <p>Flink's fires every so often for as long as the window is open, whether or not anything came. With tens of thousands
 * of cells each round takes longer than the delay, a timer that was due sets the next one into the past, and cells of a
 * new window wait behind all of those forever. See docs/decisions/0002-windows.md.
 *
 * <p>Timers of different cells are due at the same times, four in a delay, so that they fire together: each time costs a
 * thread's waking up, and a batch of rows goes to a sink in one piece.
 */
public final class ProcessingTimeTriggers$AfterFirstElementPeriodic<W extends Window> extends WindowTrigger<W> {
    private static final long serialVersionUID = 1L;

    private final long delayMs;
    private final long roundMs;
    private final ValueStateDescriptor<Long> dueDescriptor =
            new ValueStateDescriptor<>("early-firing-due", LongSerializer.INSTANCE);

    ProcessingTimeTriggers$AfterFirstElementPeriodic(long delayMs) {
        this.delayMs = delayMs;
        this.roundMs = Math.max(1, delayMs / 4);
    }

    @Override
    public void open(TriggerContext context) {
        ctx = context;
    }

    @Override
    public boolean onElement(Object element, long timestamp, W window) throws IOException {
        ValueState<Long> due = ctx.getPartitionedState(dueDescriptor);
        if (due.value() == null) {
            long latest = ctx.getCurrentProcessingTime() + delayMs;
            long at = latest - latest % roundMs;
            ctx.registerProcessingTimeTimer(at);
            ctx.registerEventTimeTimer(triggerTime(window));
            due.update(at);
        }
        return false;
    }

    @Override
    public boolean onProcessingTime(long time, W window) throws IOException {
        ValueState<Long> due = ctx.getPartitionedState(dueDescriptor);
        Long at = due.value();
        if (at == null || at != time) {
            return false;
        }
        ctx.deleteEventTimeTimer(triggerTime(window));
        due.clear();
        return true;
    }

    @Override
    public boolean onEventTime(long time, W window) throws IOException {
        if (time != triggerTime(window)) {
            return false;
        }
        ValueState<Long> due = ctx.getPartitionedState(dueDescriptor);
        Long at = due.value();
        if (at == null) {
            return false;
        }
        ctx.deleteProcessingTimeTimer(at);
        due.clear();
        return true;
    }

    @Override
    public void clear(W window) throws IOException {
        ValueState<Long> due = ctx.getPartitionedState(dueDescriptor);
        Long at = due.value();
        if (at != null) {
            ctx.deleteProcessingTimeTimer(at);
            ctx.deleteEventTimeTimer(triggerTime(window));
            due.clear();
        }
    }

    @Override
    public boolean canMerge() {
        return false;
    }

    @Override
    public void onMerge(W window, OnMergeContext context) {
        throw new UnsupportedOperationException("tumbling windows do not merge");
    }

    @Override
    public String toString() {
        return "AfterElement(" + delayMs + " ms)";
    }
}
