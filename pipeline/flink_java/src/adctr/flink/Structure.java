package adctr.flink;

import org.apache.flink.avro.shaded.org.apache.avro.Schema;

/**
 * Walks over a value by its writer's schema and checks every length and index before anybody believes it, as
 * pipeline/contract/avro_strict.py does.
 *
 * <p>Avro skips fields that its reader does not know without such checks: a negative size of a block leads it backwards,
 * and round and round for ever. What the skipped fields say is nobody's business, so neither their strings nor their
 * enums are looked into.
 */
final class Structure {
    private final byte[] data;
    private int position;

    private Structure(byte[] data, int position) {
        this.data = data;
        this.position = position;
    }

    /** Throws Undecodable unless the bytes from {@code start} on are exactly one value of the schema. */
    static void check(Schema schema, byte[] data, int start) throws Undecodable {
        Structure structure = new Structure(data, start);
        structure.walk(schema);
        if (structure.position != data.length) {
            throw new Undecodable("bytes are left after the event");
        }
    }

    private void walk(Schema schema) throws Undecodable {
        switch (schema.getType()) {
            case NULL -> {}
            case BOOLEAN -> skip(1);
            case INT, ENUM -> readVarint(5);
            case LONG -> readVarint(10);
            case FLOAT -> skip(Float.BYTES);
            case DOUBLE -> skip(Double.BYTES);
            case STRING, BYTES -> skip(readVarint(10));
            case FIXED -> skip(schema.getFixedSize());
            case ARRAY -> walkBlocks(schema.getElementType(), false);
            case MAP -> walkBlocks(schema.getValueType(), true);
            case RECORD -> {
                for (Schema.Field field : schema.getFields()) {
                    walk(field.schema());
                }
            }
            case UNION -> {
                int branch = (int) readVarint(5);
                if (branch < 0 || branch >= schema.getTypes().size()) {
                    throw new Undecodable("union index " + branch + " is not one of its branches");
                }
                walk(schema.getTypes().get(branch));
            }
        }
    }

    /** Blocks of items up to an empty one; one with a negative count states its size in bytes as well. */
    private void walkBlocks(Schema item, boolean withKeys) throws Undecodable {
        for (long count = readVarint(10); count != 0; count = readVarint(10)) {
            long size = count < 0 ? readVarint(10) : -1;
            int start = position;
            long items = Math.abs(count);
            if (items < 0 || items > data.length) {
                throw new Undecodable("a block declares " + items + " items in " + data.length + " bytes");
            }
            for (long i = 0; i < items; i++) {
                if (withKeys) {
                    skip(readVarint(10));
                }
                walk(item);
            }
            if (count < 0 && size != position - start) {
                throw new Undecodable("a block of " + (position - start) + " bytes declares " + size);
            }
        }
    }

    private void skip(long size) throws Undecodable {
        if (size < 0 || size > data.length - position) {
            throw new Undecodable("a length of " + size + " bytes is declared where " + (data.length - position) + " are left");
        }
        position += (int) size;
    }

    /** A zigzag varint; bits beyond those of its type are dropped. */
    private long readVarint(int mostBytes) throws Undecodable {
        long number = 0;
        for (int i = 0; i < mostBytes; i++) {
            if (position == data.length) {
                throw new Undecodable("truncated");
            }
            byte next = data[position++];
            number |= (long) (next & 0x7F) << (7 * i);
            if (next >= 0) {
                number = mostBytes == 5 ? number & 0xFFFF_FFFFL : number;
                return (number >>> 1) ^ -(number & 1);
            }
        }
        throw new Undecodable("a number is longer than " + mostBytes + " bytes");
    }
}
