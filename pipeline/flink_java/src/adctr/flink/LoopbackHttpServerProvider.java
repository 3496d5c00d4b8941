package adctr.flink;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;
import com.sun.net.httpserver.spi.HttpServerProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * Makes the JDK's HTTP servers, on the loopback interface where they were to listen on all.
 *
 * <p>Flink's Prometheus reporter takes a port and no address (PrometheusReporter: {@code new HTTPServer(port)}), so that
 * its metrics would be open to the network. The JDK asks the class that the system property {@code
 * com.sun.net.httpserver.HttpServerProvider} names for every server; this one hands the work on to the JDK's own.
 */
public final class LoopbackHttpServerProvider extends HttpServerProvider {
    private static final String JDKS_OWN = "sun.net.httpserver.DefaultHttpServerProvider";
    private final HttpServerProvider provider;

    /** Needs {@code --add-exports=jdk.httpserver/sun.net.httpserver=ALL-UNNAMED}. */
    public LoopbackHttpServerProvider() throws ReflectiveOperationException {
        provider = (HttpServerProvider) Class.forName(JDKS_OWN).getConstructor().newInstance();
    }

    @Override
    public HttpServer createHttpServer(InetSocketAddress address, int backlog) throws IOException {
        return provider.createHttpServer(local(address), backlog);
    }

    @Override
    public HttpsServer createHttpsServer(InetSocketAddress address, int backlog) throws IOException {
        return provider.createHttpsServer(local(address), backlog);
    }

    private static InetSocketAddress local(InetSocketAddress address) {
        return address != null && address.getAddress().isAnyLocalAddress()
                ? new InetSocketAddress(InetAddress.getLoopbackAddress(), address.getPort())
                : address;
    }
}
