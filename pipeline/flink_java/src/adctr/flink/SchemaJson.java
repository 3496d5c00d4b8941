package adctr.flink;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.StreamReadConstraints;

/**
 * The JSON of a schema as maps, lists, strings, booleans and whole numbers; other numbers are null, for no rule needs them.
 *
 * <p>Of a key that is there twice the last value counts. Jackson's own limits are off: the two here are part of the rule
 * in docs/contract.md, which pipeline/contract/writer_schema.py follows as well.
 */
final class SchemaJson {
    private static final int MOST_TEXT = 1 << 20;
    private static final int MOST_NESTING = 256;
    private static final int MOST_DIGITS = 10;
    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MOST_NESTING + 1)
                    .maxNumberLength(Integer.MAX_VALUE)
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNameLength(Integer.MAX_VALUE)
                    .build())
            .build();

    private SchemaJson() {}

    static Object parse(String text) throws Undecodable {
        if (text.length() > MOST_TEXT) {
            throw new Undecodable("it is longer than " + MOST_TEXT + " characters");
        }
        if (text.startsWith("\uFEFF")) {
            throw new Undecodable("it is not JSON");
        }
        try (JsonParser parser = JSON.createParser(text)) {
            Object tree = read(parser);
            if (parser.nextToken() != null) {
                throw new Undecodable("it is not JSON");
            }
            return tree;
        } catch (IOException notJson) {
            throw new Undecodable("it is not JSON");
        }
    }

    private static Object read(JsonParser parser) throws IOException, Undecodable {
        Deque<Object> open = new ArrayDeque<>();
        Deque<String> keys = new ArrayDeque<>();
        while (true) {
            Object value;
            JsonToken token = parser.nextToken();
            if (token == null) {
                throw new Undecodable("it is not JSON");
            }
            switch (token) {
                case FIELD_NAME -> {
                    keys.push(parser.currentName());
                    continue;
                }
                case START_OBJECT, START_ARRAY -> {
                    if (open.size() == MOST_NESTING) {
                        throw new Undecodable("it is nested deeper than " + MOST_NESTING);
                    }
                    open.push(token == JsonToken.START_OBJECT ? new HashMap<>() : new ArrayList<>());
                    continue;
                }
                case END_OBJECT, END_ARRAY -> value = open.pop();
                case VALUE_STRING -> value = parser.getText();
                case VALUE_TRUE, VALUE_FALSE -> value = token == JsonToken.VALUE_TRUE;
                case VALUE_NUMBER_INT -> value = smallInt(parser.getText());
                default -> value = null;
            }
            if (open.isEmpty()) {
                return value;
            }
            put(open.peek(), keys, value);
        }
    }

    @SuppressWarnings("unchecked")
    private static void put(Object container, Deque<String> keys, Object value) {
        if (container instanceof Map) {
            ((Map<String, Object>) container).put(keys.pop(), value);
        } else {
            ((List<Object>) container).add(value);
        }
    }

    private static Long smallInt(String digits) {
        return digits.length() <= MOST_DIGITS ? Long.valueOf(digits) : null;
    }
}
