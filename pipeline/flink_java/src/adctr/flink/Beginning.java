package adctr.flink;

import java.util.Arrays;
import org.apache.flink.table.functions.ScalarFunction;

/** SQL function: the first bytes of a value; all of it where it has no more. */
public final class Beginning extends ScalarFunction {
    private static final long serialVersionUID = 1L;

    public byte[] eval(byte[] bytes, Integer most) {
        return bytes == null || bytes.length <= most ? bytes : Arrays.copyOf(bytes, most);
    }
}
