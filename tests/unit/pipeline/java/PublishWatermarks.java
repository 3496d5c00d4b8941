package adctr.flink;

import java.lang.reflect.Proxy;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.operators.ProcessingTimeService;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;

/**
 * Arguments: Redis's port, the two scripts, then watermarks in milliseconds. Gives them to both sinks, Redis's writer flushes
 * after each, and prints what the other one would commit after each.
 */
public final class PublishWatermarks {
    public static void main(String[] arguments) throws Exception {
        ProcessingTimeService timers = (ProcessingTimeService) Proxy.newProxyInstance(
                PublishWatermarks.class.getClassLoader(), new Class<?>[] {ProcessingTimeService.class},
                (proxy, method, given) -> method.getName().equals("getCurrentProcessingTime") ? 0L : null);
        CacheSink cache = new CacheSink(
                "127.0.0.1", Integer.parseInt(arguments[0]), "", "", 60, 1800, arguments[1], arguments[2]);
        CacheWriter toRedis = new CacheWriter(cache, timers);
        CommittingSinkWriter<?, Long> toPostgres =
                (CommittingSinkWriter<?, Long>) new WatermarkSink("", "", "", "store-60").createWriter(null);
        for (int i = 3; i < arguments.length; i++) {
            Watermark watermark = new Watermark(Long.parseLong(arguments[i]));
            toRedis.writeWatermark(watermark);
            toRedis.flush(false);
            toPostgres.writeWatermark(watermark);
            System.out.println(toPostgres.prepareCommit());
        }
        toRedis.close();
    }
}
