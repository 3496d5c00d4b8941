package adctr.flink;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A position in a value that moves forward by its writer's types and checks every length and index before it is believed,
 * as pipeline/contract/avro_strict.py does.
 *
 * <p>A step is one type entered. A value may take so many steps per byte, for types without bytes of their own (null, records of
 * nulls) would otherwise cost seconds in a few bytes. What skipped strings and enums say is not looked into.
 */
final class Walk {
    private static final int STEPS_PER_VALUE = 1_000;
    private static final int STEPS_PER_BYTE = 8;
    private static final int INT_BYTES = 5;
    private static final int LONG_BYTES = 10;

    final byte[] data;
    private final long mostSteps;
    private int position;
    private long steps;

    Walk(byte[] data, int position) {
        this.data = data;
        this.position = position;
        this.mostSteps = STEPS_PER_VALUE + (long) STEPS_PER_BYTE * data.length;
    }

    /** How many types were entered. */
    long steps() {
        return steps;
    }

    int position() {
        return position;
    }

    void requireEnd() throws Undecodable {
        if (position != data.length) {
            throw new Undecodable((data.length - position) + " bytes behind the event");
        }
    }

    /** The type itself, or the branch that stands at the position of a union. */
    AvroType enter(AvroType type) throws Undecodable {
        while (true) {
            if (++steps > mostSteps) {
                throw new Undecodable("it takes more than " + mostSteps + " steps to read " + data.length + " bytes");
            }
            if (type.kind != AvroType.Kind.UNION) {
                return type;
            }
            type = type.parts.get(readIndex("union", type.parts.size()));
        }
    }

    int readIndex(String what, int count) throws Undecodable {
        int index = readInt();
        if (index < 0 || index >= count) {
            throw new Undecodable(what + " index " + index + " is not one of 0 to " + (count - 1));
        }
        return index;
    }

    int readInt() throws Undecodable {
        int number = (int) readVarint(INT_BYTES);
        return (number >>> 1) ^ -(number & 1);
    }

    long readLong() throws Undecodable {
        long number = readVarint(LONG_BYTES);
        return (number >>> 1) ^ -(number & 1);
    }

    /** Base 128; bits beyond those of its type are dropped. */
    private long readVarint(int mostBytes) throws Undecodable {
        long number = 0;
        for (int i = 0; i < mostBytes; i++) {
            if (position == data.length) {
                throw new Undecodable("truncated");
            }
            byte next = data[position++];
            number |= (long) (next & 0x7F) << (7 * i);
            if (next >= 0) {
                return number;
            }
        }
        throw new Undecodable(
                mostBytes == INT_BYTES ? "an int is longer than 5 bytes" : "a number is longer than 10 bytes");
    }

    /** Reads a length and passes over as many bytes, which it returns; they end at the new position. */
    int readSized() throws Undecodable {
        long size = readLong();
        skip(size);
        return (int) size;
    }

    private void skip(long size) throws Undecodable {
        if (size < 0) {
            throw new Undecodable("a length is negative (" + size + ")");
        }
        if (size > data.length - position) {
            throw new Undecodable(
                    "a length of " + size + " bytes is declared where " + (data.length - position) + " are left");
        }
        position += (int) size;
    }

    /** A record, array or map that has been entered and not left. */
    private static final class Open {
        final AvroType type;
        /** Fields, or items of the block, that are still to come. */
        long left;
        int blockStart;
        /** The size in bytes that the block declares, or -1. */
        long blockSize = -1;

        Open(AvroType type, long left) {
            this.type = type;
            this.left = left;
        }
    }

    /** Passes over a value. Without recursion, for a record may contain itself as often as there are bytes. */
    void skip(AvroType type) throws Undecodable {
        Deque<Open> opened = new ArrayDeque<>(4);
        begin(type, opened);
        while (!opened.isEmpty()) {
            Open inner = opened.peek();
            boolean isRecord = inner.type.kind == AvroType.Kind.RECORD;
            if (inner.left == 0 && (isRecord || !nextBlock(inner))) {
                opened.pop();
                continue;
            }
            int part = isRecord ? inner.type.parts.size() - (int) inner.left : 0;
            inner.left--;
            if (inner.type.kind == AvroType.Kind.MAP) {
                readSized();
            }
            begin(inner.type.parts.get(part), opened);
        }
    }

    private void begin(AvroType union, Deque<Open> opened) throws Undecodable {
        AvroType type = enter(union);
        switch (type.kind) {
            case NULL -> {}
            case BOOLEAN -> skip(1);
            case INT, ENUM -> readInt();
            case LONG -> readLong();
            case FLOAT -> skip(Float.BYTES);
            case DOUBLE -> skip(Double.BYTES);
            case STRING, BYTES -> readSized();
            case FIXED -> skip(type.size);
            case RECORD -> opened.push(new Open(type, type.parts.size()));
            case ARRAY, MAP -> opened.push(new Open(type, 0));
            default -> throw new IllegalStateException("no reader for " + type.kind);
        }
    }

    /** Reads the head of the next block of items; false if that is the end. A negative count has a size behind it. */
    private boolean nextBlock(Open inner) throws Undecodable {
        if (inner.blockSize != -1 && inner.blockSize != position - inner.blockStart) {
            throw new Undecodable(
                    "a block of " + (position - inner.blockStart) + " bytes declares " + inner.blockSize);
        }
        long count = readLong();
        inner.blockSize = -1;
        if (count < 0) {
            long size = readLong();
            inner.blockSize = size >= 0 ? size : data.length + 1L; // a size that no block can have
            inner.blockStart = position;
        }
        inner.left = Math.abs(count); // the most negative count stays negative
        if (inner.left < 0 || inner.left > mostSteps - steps) {
            throw new Undecodable("a block declares " + inner.left + " items in " + data.length + " bytes");
        }
        return count != 0;
    }
}
