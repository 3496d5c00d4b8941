package adctr.flink;

/** A record that no retry can decode; the reason, with the message as its words, is given in the dead letter. */
final class Undecodable extends Exception {
    private static final long serialVersionUID = 1L;

    final Reason reason;

    Undecodable(String words) {
        this(Reason.NOT_AN_EVENT, words);
    }

    Undecodable(Reason reason, String words) {
        super(words, null, false, false); // no stack trace: bad records may come by the thousand
        this.reason = reason;
    }
}
