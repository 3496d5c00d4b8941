package adctr.flink;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

/**
 * Evaluates a query by Flink, as the jobs would: its planner, its generated code, its runtime.
 *
 * <p>Arguments: a file of statements that end with semicolons at the end of a line, of which the last is the query. Each row is
 * a line.
 */
final class SqlRules {
    public static void main(String[] arguments) throws Exception {
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        String[] statements = Files.readString(Path.of(arguments[0])).split(";\n");
        for (int i = 0; i < statements.length - 1; i++) {
            tables.executeSql(statements[i]);
        }
        try (CloseableIterator<Row> rows = tables.executeSql(statements[statements.length - 1]).collect()) {
            rows.forEachRemaining(row -> {
                StringBuilder line = new StringBuilder();
                for (int i = 0; i < row.getArity(); i++) {
                    line.append(i == 0 ? "" : "\t").append(row.getField(i));
                }
                System.out.println(line);
            });
        }
    }
}
