import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.TreeSet;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.table.runtime.operators.window.TimeWindow;
import org.apache.flink.table.runtime.operators.window.groupwindow.triggers.ProcessingTimeTriggers;
import org.apache.flink.table.runtime.operators.window.groupwindow.triggers.Trigger;
import org.apache.flink.table.runtime.operators.window.groupwindow.triggers.Trigger.TriggerContext;

/** What Flink's early firing every 200 ms does at the times given ("element 5", "timer 205", "clear"), line by line. */
final class FireEarly {
    private static final TimeWindow WINDOW = new TimeWindow(0, 60_000);
    private static final TreeSet<Long> TIMERS = new TreeSet<>();
    private static long now;
    private static Object kept;

    public static void main(String[] steps) throws Exception {
        Trigger<TimeWindow> trigger = ProcessingTimeTriggers.every(Duration.ofMillis(200));
        System.out.println(trigger.getClass().getProtectionDomain().getCodeSource().getLocation().getPath());
        trigger.open(as(TriggerContext.class, (proxy, method, arguments) -> switch (method.getName()) {
            case "getCurrentProcessingTime" -> now;
            case "registerProcessingTimeTimer" -> TIMERS.add((Long) arguments[0]);
            case "deleteProcessingTimeTimer" -> TIMERS.remove((Long) arguments[0]);
            case "getPartitionedState" -> state();
            default -> throw new UnsupportedOperationException(method.getName());
        }));
        for (String step : steps) {
            String[] words = step.split(" ");
            now = words.length > 1 ? Long.parseLong(words[1]) : now;
            boolean fires = switch (words[0]) {
                case "element" -> trigger.onElement(null, now, WINDOW);
                case "timer" -> TIMERS.remove(now) && trigger.onProcessingTime(now, WINDOW);
                default -> {
                    trigger.clear(WINDOW);
                    yield false;
                }
            };
            System.out.println(step + ": " + (fires ? "fires" : "waits") + ", timers " + TIMERS);
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
