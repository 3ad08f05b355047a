package nationalsite.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Map;

/** One of nationalsite's services. */
public enum Service {
  PRODUCT,
  ORDER_SYNC,
  ACCOUNT;

  /** Its gRPC service config: which RPCs are repeated, how calls are balanced, whose health counts. */
  public Map<String, ?> config() {
    var name = "/nationalsite/service_configs/" + name().toLowerCase(Locale.ROOT) + ".json";
    try (var json = new InputStreamReader(Service.class.getResourceAsStream(name), UTF_8)) {
      return new Gson().fromJson(json, new TypeToken<Map<String, Object>>() {});
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
