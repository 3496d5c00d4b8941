package adctr.flink;

import java.util.Locale;

/** Why the bytes of a record are no ad event: the codes of pipeline/contract/reasons.py that concern bytes. */
enum Reason {
    NOT_FRAMED,
    SCHEMA_UNKNOWN,
    SCHEMA_UNUSABLE,
    NOT_AN_EVENT;

    private final String code = name().toLowerCase(Locale.ROOT);

    /** The reason with its words, as a dead letter has it. */
    String of(String words) {
        return code + ": " + words;
    }
}
