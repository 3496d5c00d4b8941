package adctr.flink;

import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that copies batches into a table. Each batch is one transaction: all of it is there, or nothing.
 *
 * <p>Where rows are appended, a batch that holds one which is there already (after a replay, or when the answer to a
 * copy was lost) is refused by the primary key as a whole. It then goes through a temporary table, and only what is new
 * is inserted. That costs twice as much, which is why it is not the rule. Upserts always go that way.
 */
final class CopyConnection {
    private static final Logger LOG = LoggerFactory.getLogger(CopyConnection.class);
    private static final long GIVE_UP_AFTER_NANOS = 120_000_000_000L;
    private static final String UNIQUE_VIOLATION = "23505";
    private static final String INCOMING = "adctr_incoming";

    private final CopySink sink;
    private final String columns;
    private final String insertIncoming;
    private volatile Connection connection;
    private volatile boolean aborted;
    private boolean hasIncoming;

    CopyConnection(CopySink sink) {
        this.sink = sink;
        columns = list(sink.columns(), name -> name);
        insertIncoming = "INSERT INTO " + sink.table() + " AS there (" + columns + ") SELECT " + columns + " FROM " + INCOMING
                + " ON CONFLICT " + (sink.upserts() ? raiseOther() : "DO NOTHING");
    }

    /** Counts only rise: a task that was given up may still write after the one that took over. */
    private String raiseOther() {
        List<String> key = sink.columns().subList(0, sink.keyColumns());
        List<String> other = sink.columns().subList(sink.keyColumns(), sink.columns().size());
        return "(" + list(key, name -> name) + ") DO UPDATE SET "
                + list(other, name -> name + " = GREATEST(there." + name + ", EXCLUDED." + name + ")");
    }

    private static String list(List<String> columns, UnaryOperator<String> each) {
        return columns.stream().map(name -> each.apply('"' + name + '"')).collect(Collectors.joining(", "));
    }

    /** Returns when the batch is in the table. Waits while PostgreSQL is unavailable. */
    void copy(DataOutputSerializer encoded) throws IOException, InterruptedException {
        long giveUpAt = System.nanoTime() + GIVE_UP_AFTER_NANOS;
        for (long pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, 1_000)) {
            try {
                copyOnce(encoded);
                return;
            } catch (SQLException error) {
                disconnect();
                if (aborted || isRefused(error) || System.nanoTime() > giveUpAt) {
                    throw new IOException("PostgreSQL does not take rows for " + sink.table(), error);
                }
                LOG.warn("PostgreSQL, {}: {}; trying again", sink.table(), error.getMessage());
                Thread.sleep(pauseMs);
            }
        }
    }

    private void copyOnce(DataOutputSerializer encoded) throws SQLException {
        connect();
        if (sink.upserts()) {
            insertThrough(encoded);
            return;
        }
        try {
            copyInto(sink.table(), encoded);
        } catch (SQLException error) {
            if (!UNIQUE_VIOLATION.equals(error.getSQLState())) {
                throw error;
            }
            int inserted = insertThrough(encoded);
            LOG.info("{}: a batch was there in part, {} rows of it were new", sink.table(), inserted);
        }
    }

    /** Through a temporary table; rows that were inserted or updated. */
    private int insertThrough(DataOutputSerializer encoded) throws SQLException {
        connection.setAutoCommit(false);
        int inserted;
        try (Statement statement = connection.createStatement()) {
            if (!hasIncoming) {
                statement.execute("CREATE TEMPORARY TABLE " + INCOMING + " (LIKE " + sink.table() + ") ON COMMIT DELETE ROWS");
            }
            copyInto(INCOMING, encoded);
            inserted = statement.executeUpdate(insertIncoming);
            connection.commit();
            hasIncoming = true;
        }
        connection.setAutoCommit(true); // after an error the connection is not used again
        return inserted;
    }

    private void copyInto(String table, DataOutputSerializer encoded) throws SQLException {
        CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI()
                .copyIn("COPY " + table + " (" + columns + ") FROM STDIN (FORMAT binary)");
        try {
            copy.writeToCopy(encoded.getSharedBuffer(), 0, encoded.length());
            copy.endCopy();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    /** Whether trying again is no use: the data, a constraint or a right is the matter. */
    private static boolean isRefused(SQLException error) {
        String state = error.getSQLState();
        return state != null && (state.startsWith("22") || state.startsWith("23") || state.startsWith("42"));
    }

    private void connect() throws SQLException {
        if (connection == null) {
            connection = DriverManager.getConnection(sink.url(), sink.username(), sink.password());
            hasIncoming = false;
        }
    }

    private void disconnect() {
        Connection broken = connection;
        connection = null;
        if (broken != null) {
            try {
                broken.close();
            } catch (SQLException alreadyGone) {
                LOG.debug("closing a broken connection", alreadyGone);
            }
        }
    }

    /** Ends a copy that is under way in another thread, and the connection. */
    void abort() {
        aborted = true;
        Connection open = connection;
        if (open != null) {
            try {
                open.abort(Runnable::run);
            } catch (SQLException alreadyGone) {
                LOG.debug("aborting a broken connection", alreadyGone);
            }
        }
    }
}
