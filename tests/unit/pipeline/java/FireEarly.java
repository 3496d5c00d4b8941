import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.TreeSet;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.table.runtime.operators.window.TimeWindow;
import org.apache.flink.table.runtime.operators.window.groupwindow.triggers.ElementTriggers;
import org.apache.flink.table.runtime.operators.window.groupwindow.triggers.EventTimeTriggers;
import org.apache.flink.table.runtime.operators.window.groupwindow.triggers.ProcessingTimeTriggers;
import org.apache.flink.table.runtime.operators.window.groupwindow.triggers.Trigger;
import org.apache.flink.table.runtime.operators.window.groupwindow.triggers.Trigger.TriggerContext;

/**
 * What Flink's trigger for early firing every 200 ms does at the times given ("element 5", "timer 205", "clear") and when
 * the watermark comes to a time of event ("watermark 59999"), line by line.
 */
final class FireEarly {
    private static final TimeWindow WINDOW = new TimeWindow(0, 60_000);
    private static final TreeSet<Long> TIMERS = new TreeSet<>();
    private static final TreeSet<Long> EVENT_TIMERS = new TreeSet<>();
    private static long now;
    private static long watermark = Long.MIN_VALUE;
    private static Object kept;

    public static void main(String[] steps) throws Exception {
        Trigger<TimeWindow> early = ProcessingTimeTriggers.every(Duration.ofMillis(200));
        Trigger<TimeWindow> trigger = EventTimeTriggers.<TimeWindow>afterEndOfWindow()
                .withEarlyFirings(early)
                .withLateFirings(ElementTriggers.every());
        for (Trigger<TimeWindow> each : List.of(early, trigger)) {
            System.out.println(each.getClass().getProtectionDomain().getCodeSource().getLocation().getPath());
        }
        trigger.open(as(TriggerContext.class, (proxy, method, arguments) -> switch (method.getName()) {
            case "getCurrentProcessingTime" -> now;
            case "registerProcessingTimeTimer" -> TIMERS.add((Long) arguments[0]);
            case "deleteProcessingTimeTimer" -> TIMERS.remove((Long) arguments[0]);
            case "registerEventTimeTimer" -> EVENT_TIMERS.add((Long) arguments[0]);
            case "deleteEventTimeTimer" -> EVENT_TIMERS.remove((Long) arguments[0]);
            case "getCurrentWatermark" -> watermark;
            case "getShiftTimeZone" -> ZoneOffset.UTC;
            case "getPartitionedState" -> state();
            default -> throw new UnsupportedOperationException(method.getName());
        }));
        for (String step : steps) {
            String[] words = step.split(" ");
            long time = words.length > 1 ? Long.parseLong(words[1]) : 0;
            now = words[0].equals("watermark") ? now : time;
            boolean fires = switch (words[0]) {
                case "element" -> trigger.onElement(null, now, WINDOW);
                case "timer" -> TIMERS.remove(now) && trigger.onProcessingTime(now, WINDOW);
                case "watermark" -> {
                    watermark = time;
                    yield EVENT_TIMERS.remove(time) && trigger.onEventTime(time, WINDOW);
                }
                default -> {
                    trigger.clear(WINDOW);
                    yield false;
                }
            };
            System.out.println(step + ": " + (fires ? "fires" : "waits") + ", timers " + TIMERS + " " + EVENT_TIMERS);
        }
    }

    private static ValueState<?> state() {
        return as(ValueState.class, (proxy, method, arguments) -> switch (method.getName()) {
            case "value" -> kept;
            case "update" -> kept = arguments[0];
            default -> kept = null;
        });
    }

    private static <T> T as(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
            Object answer = handler.invoke(proxy, method, arguments);
            return method.getReturnType() == void.class ? null : answer;
        }));
    }
}
