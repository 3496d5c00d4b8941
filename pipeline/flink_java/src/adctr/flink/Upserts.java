package adctr.flink;

import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.types.RowKind;

/** What every sink of the windows takes: a new count replaces the one before. */
final class Upserts {
    /** The same of all of them, or the planner counts every window a second time for the one that differs. */
    static final ChangelogMode MODE = ChangelogMode.newBuilder()
            .addContainedKind(RowKind.INSERT).addContainedKind(RowKind.UPDATE_AFTER).build();

    private Upserts() {}
}
