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

/** Runs every case in Java, with clients/java. The README.md beside the cases explains them. */
public final class Runner {
  private final Map<String, ManagedChannel> channels = new TreeMap<>();
  private final Saved saved = new Saved();

  public static void main(String[] args) throws IOException {
    var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, UTF_8);
    var runner = new Runner();
    try {
      for (var path : listCases(Path.of(System.getenv("POLYGLOT_CASES")))) {
        var result = new JsonObject();
        result.addProperty("case", path.getFileName().toString().replaceFirst("\\.json$", ""));
        var differences = runner.runCase(JsonParser.parseString(Files.readString(path)).getAsJsonObject());
        result.addProperty("passed", differences.isEmpty());
        result.addProperty("differences", differences);
        out.println(result);
      }
    } finally {
      runner.channels.values().forEach(ManagedChannel::shutdownNow);
    }
  }

  /** Runs a case. Returns the differences to its expectation, or the error that prevented the call. */
  private String runCase(JsonObject unfilled) {
    try {
      var testCase = saved.fill(unfilled);
      var actual = new Call(testCase, saved).run(this::getChannel);
      var differences = String.join("; ", Comparison.compareResult(testCase.getAsJsonObject("expect"), actual));
      if (!differences.isEmpty() && actual.has("message")) {
        differences += " (" + actual.get("message").getAsString() + ")";
      }
      if (differences.isEmpty()) {
        saved.add(testCase, actual.get("response"));
      }
      return differences;
    } catch (Exception error) { // the other cases must run in any case
      error.printStackTrace();
      return error.toString();
    }
  }

  private ManagedChannel getChannel(String target, Service service) {
    return channels.computeIfAbsent(target, name -> Channels.connect(System.getenv("POLYGLOT_" + name), service));
  }

  private static List<Path> listCases(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.filter(path -> path.toString().endsWith(".json")).sorted().toList();
    }
  }
}
