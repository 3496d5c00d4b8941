package adctr.flink;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.RestService;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaString;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import org.apache.flink.avro.shaded.org.apache.avro.Schema;
import org.apache.flink.avro.shaded.org.apache.avro.SchemaParseException;

/**
 * Writer schemas by id, asked once of the registry and then kept for the life of the process, so that a task that
 * restarts while the registry is away goes on.
 *
 * <p>Only the registry's own answer "no such schema" (40403) makes a record undecodable. Anything else (refused,
 * 503, a proxy's 404 page) is thrown as IOException: the job waits and retries, and no good event is dead-lettered.
 */
final class WriterSchemas {
    private static final int SCHEMA_NOT_FOUND = 40403;
    private static final int MOST_UNKNOWN_IDS = 10_000;
    private static final long UNKNOWN_FOR_NANOS = 10_000_000_000L;
    private static final Map<String, WriterSchemas> BY_URL = new ConcurrentHashMap<>();

    private final RestService registry;
    private final Map<Integer, Schema> known = new ConcurrentHashMap<>();
    private final Map<Integer, Long> unknownSinceNanos = new ConcurrentHashMap<>();
    private final Map<Integer, String> unusable = new ConcurrentHashMap<>();

    private WriterSchemas(String url) {
        registry = new RestService(url);
        registry.setHttpConnectTimeoutMs(2_000);
        registry.setHttpReadTimeoutMs(5_000);
    }

    static WriterSchemas of(String url) {
        return BY_URL.computeIfAbsent(url, WriterSchemas::new);
    }

    /** The schema of an id. Throws IOException while the registry cannot be asked. */
    Schema get(int id) throws IOException, Undecodable {
        Schema schema = known.get(id);
        return schema != null ? schema : ask(id);
    }

    private Schema ask(int id) throws IOException, Undecodable {
        String reason = unusable.get(id);
        if (reason != null) {
            throw new Undecodable(reason);
        }
        Long since = unknownSinceNanos.get(id);
        if (since != null && System.nanoTime() - since < UNKNOWN_FOR_NANOS) {
            throw unknown(id);
        }
        try {
            return remember(id, registry.getId(id));
        } catch (RestClientException error) {
            if (error.getErrorCode() != SCHEMA_NOT_FOUND) {
                throw new IOException("schema registry, asked for id " + id + ": " + error.getMessage(), error);
            }
            if (unknownSinceNanos.size() >= MOST_UNKNOWN_IDS) {
                unknownSinceNanos.clear();
            }
            unknownSinceNanos.put(id, System.nanoTime());
            throw unknown(id);
        }
    }

    private Schema remember(int id, SchemaString answer) throws Undecodable {
        try {
            String type = answer.getSchemaType();
            if (type != null && !type.equals("AVRO")) {
                throw new SchemaParseException("its type is " + type);
            }
            Schema schema = new Schema.Parser().parse(answer.getSchemaString());
            known.put(id, schema);
            return schema;
        } catch (SchemaParseException error) {
            String reason = "schema id " + id + " is not an Avro schema: " + error.getMessage();
            unusable.put(id, reason);
            throw new Undecodable(reason);
        }
    }

    private static Undecodable unknown(int id) {
        return new Undecodable("schema id " + id + " is unknown to the registry");
    }
}
