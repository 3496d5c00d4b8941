package adctr.flink;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.operators.ProcessingTimeService;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.RowKind;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * Writes window counts to Redis in small batches: one script call per touched window, in one pipeline, and the watermark
 * when all of them have said that they did it, so that a reader of the watermark finds everything before it.
 *
 * <p>Nothing outlives a checkpoint here: {@link #flush} empties the buffer before the barrier passes. While Redis is
 * away the writer waits and tries again, which holds the job back without restarting it.
 */
final class CacheWriter implements SinkWriter<RowData> {
    private static final Logger LOG = LoggerFactory.getLogger(CacheWriter.class);
    private static final int MOST_BUFFERED_CELLS = 5_000;
    private static final int CELLS_PER_CALL = 1_000; // ARGV is unpacked on Redis's side; keep each script short
    private static final long LINGER_MS = 5; // firings of one moment come in one piece
    private static final long GIVE_UP_AFTER_NANOS = 120_000_000_000L;
    private static final int TIMEOUT_MS = 2_000;

    private record Cell(long windowStartMs, String campaignId, String category) {}

    private record Counts(long impressions, long clicks) {}

    private final CacheSink cache;
    private final ProcessingTimeService timers;
    private final Map<Cell, Counts> buffer = new LinkedHashMap<>();
    private long watermarkMs = Long.MIN_VALUE;
    private boolean flushScheduled;
    private boolean closed;
    private Jedis redis;
    private String raiseCounts;
    private String raiseWatermark;

    CacheWriter(CacheSink cache, ProcessingTimeService timers) {
        this.cache = cache;
        this.timers = timers;
    }

    @Override
    public void write(RowData row, Context context) throws IOException, InterruptedException {
        if (row.getRowKind() == RowKind.UPDATE_BEFORE) {
            return; // group windows send it unasked
        }
        buffer.put(
                new Cell(row.getTimestamp(0, 3).getMillisecond(), row.getString(1).toString(), row.getString(2).toString()),
                new Counts(row.getLong(3), row.getLong(4)));
        if (buffer.size() >= MOST_BUFFERED_CELLS) {
            flush(false);
        } else {
            scheduleFlush();
        }
    }

    @Override
    public void writeWatermark(Watermark watermark) {
        watermarkMs = watermark.getTimestamp();
        scheduleFlush();
    }

    private void scheduleFlush() {
        if (!flushScheduled) {
            flushScheduled = true;
            timers.registerTimer(timers.getCurrentProcessingTime() + LINGER_MS, time -> {
                flushScheduled = false;
                if (!closed) {
                    flush(false);
                }
            });
        }
    }

    @Override
    public void flush(boolean endOfInput) throws IOException, InterruptedException {
        long giveUpAt = System.nanoTime() + GIVE_UP_AFTER_NANOS;
        for (long pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, 1_000)) {
            try {
                send();
                buffer.clear();
                watermarkMs = Long.MIN_VALUE;
                return;
            } catch (JedisConnectionException | JedisDataException error) {
                disconnect();
                if (System.nanoTime() > giveUpAt) {
                    throw new IOException("Redis at " + cache.host() + ":" + cache.port() + " does not take writes", error);
                }
                LOG.warn("Redis at {}:{}: {}; trying again", cache.host(), cache.port(), error.getMessage());
                Thread.sleep(pauseMs);
            }
        }
    }

    private void send() {
        if (buffer.isEmpty() && watermarkMs == Long.MIN_VALUE) {
            return;
        }
        connect();
        Map<Long, List<String>> argumentsByWindow = new HashMap<>();
        List<Response<?>> answers = new ArrayList<>();
        try (Pipeline pipeline = redis.pipelined()) {
            buffer.forEach((cell, counts) -> {
                List<String> arguments = argumentsByWindow.computeIfAbsent(cell.windowStartMs(), this::newArguments);
                arguments.add(cell.campaignId() + '\0' + cell.category());
                arguments.add(cell.category());
                arguments.add(Long.toString(counts.impressions()));
                arguments.add(Long.toString(counts.clicks()));
                if (arguments.size() > 4 * CELLS_PER_CALL) {
                    answers.add(pipeline.evalsha(raiseCounts, keys(cell.windowStartMs()), arguments));
                    argumentsByWindow.remove(cell.windowStartMs());
                }
            });
            argumentsByWindow.forEach(
                    (start, arguments) -> answers.add(pipeline.evalsha(raiseCounts, keys(start), arguments)));
            pipeline.sync();
        }
        answers.forEach(Response::get); // throws what the script threw
        // Not in the pipeline: that is no transaction, and would publish it though a script before it has failed.
        if (watermarkMs != Long.MIN_VALUE) {
            String key = "adctr:watermark:" + cache.sizeSeconds();
            redis.evalsha(raiseWatermark, List.of(key), List.of(Long.toString(watermarkMs)));
        }
    }

    private List<String> newArguments(long windowStartMs) {
        List<String> arguments = new ArrayList<>();
        arguments.add(Long.toString(windowStartMs / 1000 + cache.sizeSeconds()));
        arguments.add(Integer.toString(cache.retentionSeconds()));
        arguments.add("0"); // the jobs' revision: a recount's are higher
        return arguments;
    }

    private List<String> keys(long windowStartMs) {
        String window = "adctr:{" + cache.sizeSeconds() + ":" + windowStartMs / 1000 + "}";
        return List.of(
                window + ":cells", window + ":categories", "adctr:retention",
                "adctr:windows:" + cache.sizeSeconds(), "adctr:complete", "adctr:rebuild");
    }

    private void connect() {
        if (redis == null) {
            DefaultJedisClientConfig.Builder config = DefaultJedisClientConfig.builder().timeoutMillis(TIMEOUT_MS);
            if (!cache.password().isEmpty()) {
                config.user(cache.user()).password(cache.password());
            }
            redis = new Jedis(new HostAndPort(cache.host(), cache.port()), config.build());
            raiseCounts = redis.scriptLoad(cache.raiseCounts());
            raiseWatermark = redis.scriptLoad(cache.raiseWatermark());
        }
    }

    private void disconnect() {
        if (redis != null) {
            try {
                redis.close();
            } catch (JedisConnectionException alreadyGone) {
                LOG.debug("closing a broken connection", alreadyGone);
            }
            redis = null;
        }
    }

    @Override
    public void close() {
        closed = true;
        disconnect();
    }
}
