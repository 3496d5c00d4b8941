package adctr.flink;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.flink.api.common.operators.ProcessingTimeService;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.RowKind;

/**
 * Encodes rows in the task's thread and copies full batches in a thread of its own, so that decoding and PostgreSQL
 * don't wait for each other. Nothing outlives a checkpoint here: {@link #flush} returns when all is in the table.
 */
final class CopyWriter implements SinkWriter<RowData> {
    private static final long LINGER_MS = 500;
    /** Batches under way or waiting; more hold the job back. */
    private static final int MOST_BATCHES = 3;

    private final CopyBatch batch;
    private final CopyConnection connection;
    private final ProcessingTimeService timers;
    private final ExecutorService copying = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "adctr-copy");
        thread.setDaemon(true);
        return thread;
    });
    private final Deque<Future<?>> underWay = new ArrayDeque<>();
    private boolean sendScheduled;
    private boolean closed;

    CopyWriter(CopyBatch batch, CopyConnection connection, ProcessingTimeService timers) {
        this.batch = batch;
        this.connection = connection;
        this.timers = timers;
    }

    @Override
    public void write(RowData row, Context context) throws IOException, InterruptedException {
        if (row.getRowKind() == RowKind.UPDATE_BEFORE) {
            return; // group windows send it unasked
        }
        batch.add(row);
        if (batch.isFull()) {
            send();
        } else {
            scheduleSend();
        }
    }

    private void scheduleSend() {
        if (!sendScheduled) {
            sendScheduled = true;
            timers.registerTimer(timers.getCurrentProcessingTime() + LINGER_MS, time -> {
                sendScheduled = false;
                if (!closed) {
                    send();
                }
            });
        }
    }

    private void send() throws IOException, InterruptedException {
        while (!underWay.isEmpty() && (underWay.size() >= MOST_BATCHES || underWay.peek().isDone())) {
            await(underWay.remove());
        }
        if (batch.isEmpty()) {
            return;
        }
        DataOutputSerializer encoded = batch.take();
        underWay.add(copying.submit(() -> {
            connection.copy(encoded);
            return null;
        }));
    }

    @Override
    public void flush(boolean endOfInput) throws IOException, InterruptedException {
        send();
        while (!underWay.isEmpty()) {
            await(underWay.remove());
        }
    }

    private static void await(Future<?> copied) throws IOException, InterruptedException {
        try {
            copied.get();
        } catch (ExecutionException failure) {
            if (failure.getCause() instanceof IOException error) {
                throw error;
            }
            throw new IOException(failure.getCause());
        }
    }

    @Override
    public void close() {
        closed = true;
        copying.shutdownNow();
        connection.abort();
    }
}
