package adctr.flink;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * The ids of all schemas that a registry has, in one question, as `RegistrySchemas.ids` in pipeline/contract/registry.py.
 *
 * <p>It answers for any number of ids that nobody registered: asked one by one, a registry manages some hundred per second.
 * Only Apicurio has such a question (its own API, of which the Confluent-compatible one is a part); others are asked one by one.
 */
final class SchemaDirectory {
    private static final String COMPATIBLE_API = "/apis/ccompat/";
    private static final int PAGE = 500;
    private static final int MOST_PAGES = 20;
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    /** A list costs the registry milliseconds of CPU, and a consumer may poll a hundred times a second. */
    private static final long LEAST_NANOS_BETWEEN = 100_000_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String url;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT).build();
    private Set<Integer> ids;
    private long asked = System.nanoTime() - LEAST_NANOS_BETWEEN;

    SchemaDirectory(String registryUrl) {
        int end = registryUrl.indexOf(COMPATIBLE_API);
        url = end < 0 ? null : registryUrl.substring(0, end) + "/apis/registry/v3/search/versions";
    }

    /**
     * All ids that any schema has, asked for after {@code arrived} (of {@link System#nanoTime}), or nothing where the registry
     * does not say so for certain.
     *
     * <p>Waits until {@link #LEAST_NANOS_BETWEEN} have passed since the last question. Of consumers that wait meanwhile one
     * asks, and the answer is for all of them.
     */
    synchronized Optional<Set<Integer>> idsAfter(long arrived) {
        if (url == null) {
            return Optional.empty();
        }
        if (asked - arrived < 0 || ids == null) {
            ids = ask();
        }
        return Optional.ofNullable(ids);
    }

    private Set<Integer> ask() {
        try {
            TimeUnit.NANOSECONDS.sleep(LEAST_NANOS_BETWEEN - (System.nanoTime() - asked));
            asked = System.nanoTime();
            return read();
        } catch (IOException | RuntimeException notThere) {
            return null;
        } catch (InterruptedException cancelled) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    /** Page after page, oldest first; null if something was taken away meanwhile, for then the pages leave something out. */
    private Set<Integer> read() throws IOException, InterruptedException {
        Set<Integer> ids = new HashSet<>();
        int count = -1;
        for (int page = 0; page < MOST_PAGES; page++) {
            JsonNode answer = page(page * PAGE);
            int now = answer.path("count").asInt(-1);
            JsonNode versions = answer.path("versions");
            if (now < 0 || now < count || !versions.isArray()) {
                return null;
            }
            count = now;
            for (JsonNode version : versions) {
                if (!version.path("contentId").isIntegralNumber() || !version.path("globalId").isIntegralNumber()) {
                    return null;
                }
                ids.add(version.get("contentId").intValue());
                ids.add(version.get("globalId").intValue());
            }
            if ((page + 1) * PAGE >= count) {
                return ids;
            }
        }
        return null;
    }

    private JsonNode page(int offset) throws IOException, InterruptedException {
        URI page = URI.create(url + "?limit=" + PAGE + "&offset=" + offset + "&orderby=globalId&order=asc");
        HttpRequest request = HttpRequest.newBuilder(page).timeout(TIMEOUT).build();
        HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
        if (response.statusCode() != 200) {
            throw new IOException("the registry answers " + response.statusCode());
        }
        return JSON.readTree(response.body());
    }
}
