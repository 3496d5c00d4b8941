package org.apache.flink.table.runtime.operators.window.groupwindow.triggers;

import org.apache.flink.table.runtime.operators.window.Window;

/**
 * What {@code table.exec.emit.early-fire} and a late firing without delay make of a window, in place of Flink's class of
 * this name: until the window ends, firing is its early trigger's business; from then on each element fires.
 *
 * <p>Flink's fires every window once more when it ends, changed since the last firing or not. With tens of thousands of
 * cells that sends all of them to a sink again at the same moment, and until then each of them keeps a timer for it.
 * See docs/decisions/0002-windows.md.
 */
public final class EventTimeTriggers$AfterEndOfWindowNoLate<W extends Window> extends WindowTrigger<W> {
    private static final long serialVersionUID = 1L;

    private final Trigger<W> earlyTrigger;

    EventTimeTriggers$AfterEndOfWindowNoLate(Trigger<W> earlyTrigger) {
        this.earlyTrigger = earlyTrigger;
    }

    /** Fire late as well, which has to be at every element. */
    public Trigger<W> withLateFirings(Trigger<W> lateFirings) {
        if (lateFirings instanceof ElementTriggers.EveryElement) {
            return this;
        }
        throw new UnsupportedOperationException("table.exec.emit.late-fire.delay has to be 0, not " + lateFirings);
    }

    @Override
    public void open(TriggerContext context) throws Exception {
        ctx = context;
        earlyTrigger.open(context);
    }

    @Override
    public boolean onElement(Object element, long timestamp, W window) throws Exception {
        return triggerTime(window) <= ctx.getCurrentWatermark() || earlyTrigger.onElement(element, timestamp, window);
    }

    @Override
    public boolean onProcessingTime(long time, W window) throws Exception {
        return earlyTrigger.onProcessingTime(time, window);
    }

    @Override
    public boolean onEventTime(long time, W window) throws Exception {
        return earlyTrigger.onEventTime(time, window);
    }

    @Override
    public void clear(W window) throws Exception {
        earlyTrigger.clear(window);
    }

    @Override
    public boolean canMerge() {
        return earlyTrigger.canMerge();
    }

    @Override
    public void onMerge(W window, OnMergeContext context) throws Exception {
        earlyTrigger.onMerge(window, context);
    }

    @Override
    public String toString() {
        return earlyTrigger + " until the end of the window, then every element";
    }
}
