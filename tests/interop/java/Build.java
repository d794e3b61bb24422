// Has wsimport make classes of WSDLs, and the compiler compile what uses them, both in one machine of Java since each of
// their starts takes a second. A folder, a source, and for each WSDL: package, where it lies, file of authorization.
import com.sun.tools.ws.wscompile.WsimportTool;
import java.nio.file.*;
import java.util.*;
import java.util.stream.*;
import javax.tools.*;

public class Build {
    public static void main(String[] given) throws Exception {
        Path folder = Path.of(given[0]), made = Files.createDirectories(folder.resolve("made"));
        for (int i = 2; i < given.length; i += 2) {
            String[] wanted = {"-quiet", "-Xnocompile", "-d", folder.toString(), "-p", "made." + given[i], given[i + 1]};
            List<String> options = new ArrayList<>(List.of(wanted));
            Path secrets = folder.resolve("authorization");
            if (Files.exists(secrets)) {
                options.addAll(0, List.of("-Xauthfile", secrets.toString()));
            }
            if (!new WsimportTool(System.err).run(options.toArray(String[]::new))) {
                System.exit(1);
            }
        }
        List<String> sources = new ArrayList<>(List.of("-encoding", "UTF-8", "-nowarn", "-d", folder.toString()));
        sources.add(given[1]);
        try (Stream<Path> files = Files.walk(made)) {
            files.map(Path::toString).filter(each -> each.endsWith(".java")).forEach(sources::add);
        }
        System.exit(ToolProvider.getSystemJavaCompiler().run(null, null, null, sources.toArray(String[]::new)));
    }
}
