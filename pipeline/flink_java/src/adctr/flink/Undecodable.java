package adctr.flink;

/** A record that no retry can decode; the message is the reason given in the dead letter. */
final class Undecodable extends Exception {
    private static final long serialVersionUID = 1L;

    Undecodable(String reason) {
        super(reason, null, false, false); // no stack trace: bad records may come by the thousand
    }
}
