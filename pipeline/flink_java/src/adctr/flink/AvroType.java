package adctr.flink;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * One type of a writer's schema, and how it is read from the schema's text: the part of the rule in docs/contract.md that
 * concerns schemas, as in pipeline/contract/writer_schema.py.
 *
 * <p>No Avro library is asked, for no two of them agree on which schemas are legal. What determines the bytes is read, and
 * nothing else: defaults, aliases, orders, logical types, comments and unknown attributes are ignored, and names may be
 * any text.
 */
final class AvroType {
    enum Kind { NULL, BOOLEAN, INT, LONG, FLOAT, DOUBLE, BYTES, STRING, RECORD, ENUM, FIXED, ARRAY, MAP, UNION }

    private static final Map<String, Kind> PRIMITIVES = new HashMap<>();
    private static final Set<String> NAMED = Set.of("record", "error", "enum", "fixed");
    private static final int MOST_SHOWN = 60;

    static {
        for (Kind kind : List.of(Kind.NULL, Kind.BOOLEAN, Kind.INT, Kind.LONG, Kind.FLOAT, Kind.DOUBLE, Kind.BYTES,
                Kind.STRING)) {
            PRIMITIVES.put(kind.name().toLowerCase(Locale.ROOT), kind);
        }
    }

    final Kind kind;
    /** The fields' types, the branches, or the one type of the items or values; filled late, a record may contain itself. */
    final List<AvroType> parts = new ArrayList<>();
    /** The fields' names or the symbols. */
    final List<String> names = new ArrayList<>();
    /** The defaults of the fields that have one, by name: of our own schema. Nobody reads a writer's. */
    final Map<String, Object> defaults = new HashMap<>();
    int size;

    private AvroType(Kind kind) {
        this.kind = kind;
    }

    /** The type that a schema's text describes. Throws Undecodable, which says why there is none. */
    static AvroType parse(String text) throws Undecodable {
        return new Parser().typeOf(SchemaJson.parse(text), "");
    }

    /** Whether values of both types are the same bytes and mean the same. One of them must not contain itself. */
    boolean hasLayoutOf(AvroType other) {
        if (kind != other.kind || size != other.size || !names.equals(other.names)
                || parts.size() != other.parts.size()) {
            return false;
        }
        for (int i = 0; i < parts.size(); i++) {
            if (!parts.get(i).hasLayoutOf(other.parts.get(i))) {
                return false;
            }
        }
        return true;
    }

    /** The kind's name in Avro's specification. */
    String kindName() {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    /** A name as a reason may quote it: short, and in printable ASCII. */
    static String shown(String name) {
        StringBuilder shown = new StringBuilder();
        name.chars().limit(MOST_SHOWN).forEach(unit ->
                shown.append(unit > 0x1F && unit < 0x7F ? String.valueOf((char) unit) : String.format("\\u%04x", unit)));
        return shown.toString();
    }

    /** Knows the named types that were defined further up in the text. */
    private static final class Parser {
        private final Map<String, AvroType> named = new HashMap<>();

        AvroType typeOf(Object schema, String namespace) throws Undecodable {
            if (schema instanceof String) {
                Kind primitive = PRIMITIVES.get(schema);
                return primitive != null ? new AvroType(primitive) : reference((String) schema, namespace);
            }
            if (schema instanceof List) {
                AvroType union = new AvroType(Kind.UNION);
                for (Object branch : (List<?>) schema) {
                    union.parts.add(typeOf(branch, namespace));
                }
                return union;
            }
            if (!(schema instanceof Map)) {
                throw new Undecodable("a type is neither a name nor an object nor a union");
            }
            Map<?, ?> attributes = (Map<?, ?>) schema;
            Object kind = attributes.get("type");
            if ("array".equals(kind) || "map".equals(kind)) {
                boolean isArray = "array".equals(kind);
                AvroType container = new AvroType(isArray ? Kind.ARRAY : Kind.MAP);
                container.parts.add(typeOf(attributes.get(isArray ? "items" : "values"), namespace));
                return container;
            }
            return kind instanceof String && NAMED.contains(kind)
                    ? namedType((String) kind, attributes, namespace) : typeOf(kind, namespace);
        }

        private AvroType reference(String name, String namespace) throws Undecodable {
            AvroType type = named.get(fullName(name, namespace));
            type = type == null ? named.get(name) : type;
            if (type == null) {
                throw new Undecodable("type " + shown(name) + " is not defined before it is used");
            }
            return type;
        }

        private AvroType namedType(String kind, Map<?, ?> attributes, String enclosing) throws Undecodable {
            if (!(attributes.get("name") instanceof String)) {
                throw new Undecodable("a type of kind " + kind + " has no name");
            }
            Object own = attributes.get("namespace");
            String name = fullName((String) attributes.get("name"), own instanceof String ? (String) own : enclosing);
            if (named.containsKey(name)) {
                throw new Undecodable("type " + shown(name) + " is defined twice");
            }
            AvroType type = new AvroType(
                    kind.equals("enum") ? Kind.ENUM : kind.equals("fixed") ? Kind.FIXED : Kind.RECORD);
            switch (type.kind) {
                case ENUM -> readSymbols(type, attributes.get("symbols"));
                case FIXED -> readSize(type, attributes.get("size"));
                default -> {}
            }
            named.put(name, type);
            if (type.kind == Kind.RECORD) {
                readFields(type, attributes.get("fields"), name.substring(0, Math.max(0, name.lastIndexOf('.'))));
            }
            return type;
        }

        private void readFields(AvroType record, Object fields, String namespace) throws Undecodable {
            if (!(fields instanceof List)) {
                throw new Undecodable("a record has no list of fields");
            }
            for (Object field : (List<?>) fields) {
                if (!(field instanceof Map) || !(((Map<?, ?>) field).get("name") instanceof String)) {
                    throw new Undecodable("a field has no name");
                }
                Map<?, ?> attributes = (Map<?, ?>) field;
                record.names.add((String) attributes.get("name"));
                if (attributes.containsKey("default")) {
                    record.defaults.put((String) attributes.get("name"), attributes.get("default"));
                }
                record.parts.add(typeOf(attributes.get("type"), namespace));
            }
        }

        private static void readSymbols(AvroType type, Object symbols) throws Undecodable {
            if (!(symbols instanceof List) || !((List<?>) symbols).stream().allMatch(String.class::isInstance)) {
                throw new Undecodable("an enum has no list of symbols");
            }
            ((List<?>) symbols).forEach(symbol -> type.names.add((String) symbol));
        }

        private static void readSize(AvroType type, Object size) throws Undecodable {
            if (!(size instanceof Long) || (Long) size < 0 || (Long) size > Integer.MAX_VALUE) {
                throw new Undecodable("a fixed has no size");
            }
            type.size = ((Long) size).intValue();
        }

        private static String fullName(String name, String namespace) {
            return switch (name.lastIndexOf('.')) {
                case -1 -> namespace.isEmpty() ? name : namespace + "." + name;
                case 0 -> name.substring(1); // a dot in front alone: in no namespace
                default -> name;
            };
        }
    }
}
