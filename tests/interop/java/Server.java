// JAX-WS as a server: it answers what it read, and keeps notes in a file. Port. SOAP 1.2 is at /12,
// what insists on WS-Addressing at /addressed, and MTOM at /mtom.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import javax.jws.WebService;
import javax.xml.ws.Endpoint;
import javax.xml.ws.Holder;
import javax.xml.ws.soap.AddressingFeature;
import javax.xml.ws.soap.SOAPBinding;
import made.service.*;

public class Server {
    @WebService(endpointInterface = "made.service.Records", targetNamespace = "urn:interop")
    public static class Answering implements Records {
        @Override
        public void record(Entry entry, Holder<Integer> number, Holder<Entry> kept) throws Refused_Exception {
            if (entry.getKind() == Kind.REFUSE) {
                Refused refused = new Refused();
                refused.setReason(System.getenv("REASON"));
                refused.setField("kind");
                throw new Refused_Exception("refused", refused);
            }
            number.value = 7;
            kept.value = entry;
        }

        @Override
        public void note(String text) { // called after the answer has gone: the file is to be seen whole or not at all
            try {
                Path written = Files.write(Path.of("note.part"), text.getBytes(StandardCharsets.UTF_8));
                Files.move(written, Path.of("note.txt"), StandardCopyOption.ATOMIC_MOVE);
            } catch (java.io.IOException error) {
                throw new java.io.UncheckedIOException(error);
            }
        }
    }

    public static void main(String[] given) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(given[0])), 0);
        Endpoint.create(new Answering()).publish(server.createContext("/"));
        Endpoint.create(SOAPBinding.SOAP12HTTP_BINDING, new Answering()).publish(server.createContext("/12"));
        Endpoint.create(new Answering(), new AddressingFeature(true, true)).publish(server.createContext("/addressed"));
        server.start();
    }
}
