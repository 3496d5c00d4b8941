package adctr.flink;

import java.io.IOException;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.RestService;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaString;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;

/**
 * Writer schemas by id, asked once of the registry and then kept for the life of the process, so that a task that
 * restarts while the registry is away goes on.
 *
 * <p>Only the registry's own answer "no such schema" (40403) makes a record undecodable, and only if it was asked after
 * the record had arrived: see {@link SchemaLookups}, which asks. After anything else (refused, 503, a proxy's 404 page) the
 * task asks again for a while and then throws IOException: Flink shows why, restarts it, and no good event is dead-lettered.
 */
final class WriterSchemas {
    private static final int SCHEMA_NOT_FOUND = 40403;
    private static final int MOST_UNKNOWN_IDS = 100_000;
    private static final int MOST_UNUSABLE_IDS = 10_000;
    private static final int QUESTIONS_AT_ONCE = 16;
    /** Of more new ids in a second than that the registry is asked in one question. */
    private static final int MOST_SINGLE_QUESTIONS = 32;
    private static final long SECOND_NANOS = 1_000_000_000;
    private static final long PAUSE_MS = 250;

    /** How long a task waits for the registry before it fails: a restart costs more than a wait. */
    static long mostWaitMs = 20_000;
    private static final ExecutorService THREADS = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "adctr-schema-lookups");
        thread.setDaemon(true);
        return thread;
    });
    private static final Map<String, WriterSchemas> BY_URL = new ConcurrentHashMap<>();

    private final RestService registry;
    private final SchemaDirectory directory;
    private final Map<Integer, AvroType> known = new ConcurrentHashMap<>();
    private final Map<Integer, String> unusable = new ConcurrentHashMap<>();
    private long secondBegan = System.nanoTime();
    private int askedInSecond;
    /** Ids that were unknown when last looked up, for every record that has arrived before; the oldest make room. */
    private final Set<Integer> unknown = Collections.synchronizedSet(Collections.newSetFromMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Boolean> eldest) {
            return size() > MOST_UNKNOWN_IDS;
        }
    }));

    static {
        // Java keeps five connections open and closes the others after each question.
        System.setProperty("http.maxConnections", Integer.toString(QUESTIONS_AT_ONCE));
    }

    private WriterSchemas(String url) {
        registry = new RestService(url);
        directory = new SchemaDirectory(url);
        registry.setHttpConnectTimeoutMs(2_000);
        registry.setHttpReadTimeoutMs(5_000);
    }

    static WriterSchemas of(String url) {
        return BY_URL.computeIfAbsent(url, WriterSchemas::new);
    }

    /**
     * The schema of an id in a record that was looked up when it arrived; whatever was not is asked for now.
     *
     * <p>Throws IOException if the registry cannot be asked for {@link #mostWaitMs}, or the task is cancelled.
     */
    AvroType get(int id) throws IOException, Undecodable {
        AvroType schema = known.get(id);
        if (schema != null) {
            return schema;
        }
        String why = unusable.get(id);
        if (why != null) {
            throw new Undecodable(Reason.SCHEMA_UNUSABLE, why);
        }
        if (unknown.contains(id)) {
            throw unknown(id);
        }
        return askUntilAnswered(id).orElseThrow(() -> unknown(id));
    }

    private Optional<AvroType> askUntilAnswered(int id) throws IOException, Undecodable {
        long began = System.nanoTime();
        while (true) {
            try {
                return ask(id);
            } catch (IOException away) {
                if (System.nanoTime() - began >= mostWaitMs * 1_000_000) {
                    throw away;
                }
                pause(away);
            }
        }
    }

    private static void pause(IOException away) throws IOException {
        try {
            Thread.sleep(PAUSE_MS);
        } catch (InterruptedException cancelled) {
            Thread.currentThread().interrupt();
            throw away;
        }
    }

    /**
     * Asks for the ids of records that have just arrived, {@link #QUESTIONS_AT_ONCE} at a time, but for those whose schemas are
     * there.
     *
     * <p>One poll after the other: an answer may stand only for records that arrived before its question. After a failure
     * nothing is known to be unknown, so {@link #get} asks.
     */
    void lookUp(Collection<Integer> ids) {
        long arrived = System.nanoTime();
        synchronized (this) {
            List<Integer> open = ids.stream().filter(id -> !known.containsKey(id) && !unusable.containsKey(id)).toList();
            if (!open.isEmpty()) {
                lookUpOpen(areTooMany(open.size()) ? withoutUnlisted(open, arrived) : open);
            }
        }
    }

    /** Whether so many questions more would be too many for this second. */
    private boolean areTooMany(int questions) {
        long now = System.nanoTime();
        if (now - secondBegan >= SECOND_NANOS) {
            secondBegan = now;
            askedInSecond = 0;
        }
        if (askedInSecond + questions > MOST_SINGLE_QUESTIONS) {
            return true;
        }
        askedInSecond += questions;
        return false;
    }

    private void lookUpOpen(List<Integer> open) {
        Iterator<Integer> next = open.iterator();
        AtomicBoolean down = new AtomicBoolean();
        Runnable questions = () -> {
            for (Integer id = next(next); id != null && !down.get(); id = next(next)) {
                down.compareAndSet(false, !lookUp(id));
            }
        };
        List<CompletableFuture<Void>> others = IntStream.range(1, Math.min(QUESTIONS_AT_ONCE, open.size()))
                .mapToObj(i -> CompletableFuture.runAsync(questions, THREADS)).toList();
        questions.run();
        others.forEach(CompletableFuture::join);
        if (down.get()) {
            unknown.clear();
        }
    }

    /** Those of the ids that the registry's directory has; all of them if it has none. The others are unknown. */
    private List<Integer> withoutUnlisted(List<Integer> ids, long arrived) {
        Set<Integer> listed = directory.idsAfter(arrived).orElse(Set.copyOf(ids));
        ids.stream().filter(id -> !listed.contains(id)).forEach(unknown::add);
        return ids.stream().filter(listed::contains).toList();
    }

    private static Integer next(Iterator<Integer> ids) {
        synchronized (ids) {
            return ids.hasNext() ? ids.next() : null;
        }
    }

    /** Asks for one id; false if the registry did not answer. */
    private boolean lookUp(int id) {
        try {
            if (ask(id).isEmpty()) {
                unknown.add(id);
            }
        } catch (Undecodable noSchema) { // it is unusable now
        } catch (IOException down) {
            return false;
        }
        return true;
    }

    private Optional<AvroType> ask(int id) throws IOException, Undecodable {
        try {
            return Optional.of(remember(id, registry.getId(id)));
        } catch (RestClientException error) {
            if (error.getErrorCode() != SCHEMA_NOT_FOUND) {
                throw new IOException("schema registry, asked for id " + id + ": " + error.getMessage(), error);
            }
            return Optional.empty();
        } catch (RuntimeException error) { // the client's, about an answer that is none
            throw new IOException("schema registry, asked for id " + id + ": " + error, error);
        }
    }

    /** Keeps what the registry has answered. Throws Undecodable where no value can be read by it. */
    AvroType remember(int id, SchemaString answer) throws Undecodable {
        try {
            AvroType schema = read(answer);
            known.put(id, schema);
            return schema;
        } catch (Undecodable error) {
            throw unusable(id, error.getMessage());
        } catch (RuntimeException | StackOverflowError error) { // whatever a text makes of our own reading
            throw unusable(id, error.toString());
        }
    }

    private static AvroType read(SchemaString answer) throws Undecodable {
        String type = answer.getSchemaType();
        if (type != null && !type.equals("AVRO")) {
            throw new Undecodable("its type is " + AvroType.shown(type) + ", not AVRO");
        }
        if (answer.getReferences() != null && !answer.getReferences().isEmpty()) {
            throw new Undecodable("it has schema references, which are not read: "
                    + AvroType.shown(answer.getReferences().get(0).getName()));
        }
        if (answer.getSchemaString() == null) {
            throw new Undecodable("it has no text");
        }
        return AvroType.parse(answer.getSchemaString());
    }

    private Undecodable unusable(int id, String why) {
        String reason = "schema id " + id + " is not usable: " + why;
        if (unusable.size() >= MOST_UNUSABLE_IDS) {
            unusable.clear();
        }
        unusable.put(id, reason);
        return new Undecodable(Reason.SCHEMA_UNUSABLE, reason);
    }

    private static Undecodable unknown(int id) {
        return new Undecodable(Reason.SCHEMA_UNKNOWN, "schema id " + id + " is unknown to the registry");
    }
}
