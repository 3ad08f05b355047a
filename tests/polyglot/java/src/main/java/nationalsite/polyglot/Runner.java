package nationalsite.polyglot;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.grpc.ManagedChannel;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import nationalsite.client.Channels;
import nationalsite.client.Service;

/** Makes every case from Java, through clients/java. The README.md beside the cases explains them. */
public final class Runner {
  private final Map<String, ManagedChannel> channels = new TreeMap<>();

  public static void main(String[] args) throws IOException {
    var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, UTF_8);
    var runner = new Runner();
    try {
      for (var path : cases(Path.of(System.getenv("POLYGLOT_CASES")))) {
        var told = new JsonObject();
        told.addProperty("case", path.getFileName().toString().replaceFirst("\\.json$", ""));
        var why = runner.why(JsonParser.parseString(Files.readString(path)).getAsJsonObject());
        told.addProperty("passed", why.isEmpty());
        told.addProperty("why", why);
        out.println(told);
      }
    } finally {
      runner.channels.values().forEach(ManagedChannel::shutdownNow);
    }
  }

  /** Makes a case; says what is not as it expects, nothing where all is. */
  private String why(JsonObject spec) {
    try {
      var found = new Call(spec).made(this::channel);
      var why = String.join("; ", Differences.unlike(spec.getAsJsonObject("expect"), found));
      return why.isEmpty() || !found.has("message") ? why : why + " (" + found.get("message").getAsString() + ")";
    } catch (Exception error) { // whatever it is, the other cases are still to be made
      error.printStackTrace();
      return error.toString();
    }
  }

  private ManagedChannel channel(String at, Service service) {
    return channels.computeIfAbsent(at, name -> Channels.connect(System.getenv("POLYGLOT_" + name), service));
  }

  private static List<Path> cases(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.filter(path -> path.toString().endsWith(".json")).sorted().toList();
    }
  }
}
