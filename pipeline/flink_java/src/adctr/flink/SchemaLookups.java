package adctr.flink;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Asks the registry for the schemas of records that have arrived and are not decoded yet, once per poll and id, many at once.
 *
 * <p>This is what makes the answer "no such schema" safe to use. A producer registers a schema before it sends the first
 * record with its id, so the question must be asked after the record was on the topic; an answer from before says nothing
 * about it, however young. The decoder does not know when its record arrived, the consumer does: between its poll and
 * the decoder each id is asked for here, once for all records of a poll, however many a bad producer sends.
 */
public final class SchemaLookups implements ConsumerInterceptor<byte[], byte[]> {
    static final String REGISTRY_URL = "adctr.registry-url";

    private WriterSchemas schemas;

    @Override
    public void configure(Map<String, ?> settings) {
        schemas = WriterSchemas.of((String) settings.get(REGISTRY_URL));
    }

    @Override
    public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
        Set<Integer> seen = new LinkedHashSet<>();
        int previous = 0;
        for (ConsumerRecord<byte[], byte[]> record : records) {
            int id = AdEventDecoder.schemaId(record.value());
            if (id > 0 && id != previous) {
                seen.add(id);
            }
            previous = id;
        }
        schemas.lookUp(seen); // if the registry is down, the decoder waits for it when it comes to the record
        return records;
    }

    @Override
    public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

    @Override
    public void close() {}
}
