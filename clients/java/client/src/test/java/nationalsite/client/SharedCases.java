package nationalsite.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The test cases that all client libraries share: tests/clients/README.md describes them. */
final class SharedCases {
  /** From the folder of the module, where Maven runs the tests. */
  private static final Path FOLDER = Path.of("..", "..", "..", "tests", "clients");

  private SharedCases() {}

  static JsonElement read(String name) throws IOException {
    return JsonParser.parseString(Files.readString(FOLDER.resolve(name)));
  }
}
