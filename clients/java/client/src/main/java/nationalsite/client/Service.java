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

  /** Returns the gRPC service config: which RPCs are retried, how calls are balanced, which health is checked. */
  public Map<String, ?> serviceConfig() {
    var resource = "/nationalsite/service_configs/" + name().toLowerCase(Locale.ROOT) + ".json";
    try (var json = new InputStreamReader(Service.class.getResourceAsStream(resource), UTF_8)) {
      return new Gson().fromJson(json, new TypeToken<Map<String, Object>>() {});
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
