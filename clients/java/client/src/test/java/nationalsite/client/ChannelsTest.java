package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.EquivalentAddressGroup;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import nationalsite.product.v1.Category;
import nationalsite.product.v1.GetCategoryRequest;
import nationalsite.product.v1.GetCategoryResponse;
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.ProductServiceGrpc.ProductServiceBlockingStub;
import nationalsite.product.v1.UploadImageRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ChannelsTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(20);

  private FakeProductService server;
  private ManagedChannel channel;

  @BeforeEach
  void start() throws IOException {
    server = new FakeProductService();
    channel = Channels.connect(server.address(), Service.PRODUCT);
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.close();
  }

  @Test
  void readsAreRetriedAndWritesAreNot() {
    var trailers = new Metadata();
    trailers.put(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), "1");
    server.error = Status.UNAVAILABLE.asRuntimeException(trailers);
    assertThrows(StatusRuntimeException.class, () -> read(channel));
    assertEquals(3, server.calls.getAndSet(0));
    assertThrows(StatusRuntimeException.class, () -> stub(channel).uploadImage(UploadImageRequest.getDefaultInstance()));
    assertEquals(1, server.calls.get());
  }

  @Test
  void drainingReplicaGetsNoCalls() {
    server.health.setStatus(ProductServiceGrpc.SERVICE_NAME, ServingStatus.NOT_SERVING);
    var error = assertThrows(StatusRuntimeException.class, () -> read(channel));
    assertEquals(Status.Code.UNAVAILABLE, error.getStatus().getCode());
    assertEquals(0, server.calls.get());
    server.health.setStatus(ProductServiceGrpc.SERVICE_NAME, ServingStatus.SERVING);
    stub(channel).withWaitForReady().getCategory(GetCategoryRequest.getDefaultInstance());
    assertEquals(1, server.calls.get());
  }

  @Test
  void callsAreBalancedOverAllAddresses() throws IOException {
    try (var second = new FakeProductService()) {
      var resolver = new StaticNameResolverProvider(List.of(server.port(), second.port()));
      NameResolverRegistry.getDefaultRegistry().register(resolver);
      var balanced = Channels.connect("products:///", Service.PRODUCT);
      try {
        for (var call = 0; server.calls.get() == 0 || second.calls.get() == 0; call++) {
          assertTrue(call < 10_000, "all calls went to one server");
          read(balanced);
        }
      } finally {
        balanced.shutdownNow();
        NameResolverRegistry.getDefaultRegistry().deregister(resolver);
      }
    }
  }

  @Test
  void largeResponsesArrive() {
    server.category = categoryNamed("x".repeat(5 * 1024 * 1024)); // gRPC's default limit is 4 MiB
    assertEquals(server.category, read(channel));
  }

  @Test
  void customizerOverridesRecommendedSettings() {
    var customized =
        Channels.connect(
            server.address(),
            Service.PRODUCT,
            InsecureChannelCredentials.create(),
            builder -> builder.maxInboundMessageSize(100));
    server.category = categoryNamed("x".repeat(101));
    try {
      var error = assertThrows(StatusRuntimeException.class, () -> read(customized));
      assertEquals(Status.Code.RESOURCE_EXHAUSTED, error.getStatus().getCode());
    } finally {
      customized.shutdownNow();
    }
  }

  private static GetCategoryResponse categoryNamed(String name) {
    return GetCategoryResponse.newBuilder().setCategory(Category.newBuilder().setName(name)).build();
  }

  private static GetCategoryResponse read(ManagedChannel channel) {
    return stub(channel).getCategory(GetCategoryRequest.getDefaultInstance());
  }

  private static ProductServiceBlockingStub stub(ManagedChannel channel) {
    return ProductServiceGrpc.newBlockingStub(channel).withDeadlineAfter(TIMEOUT);
  }

  /** Resolves {@code products:///} to ports on loopback. */
  private static final class StaticNameResolverProvider extends NameResolverProvider {
    private final List<EquivalentAddressGroup> addresses;

    StaticNameResolverProvider(List<Integer> ports) {
      addresses =
          ports.stream().map(port -> new EquivalentAddressGroup(new InetSocketAddress("127.0.0.1", port))).toList();
    }

    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      return new NameResolver() {
        @Override
        public String getServiceAuthority() {
          return "products";
        }

        @Override
        public void start(Listener2 listener) {
          listener.onResult(ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(addresses)).build());
        }

        @Override
        public void shutdown() {}
      };
    }

    @Override
    public String getDefaultScheme() {
      return "products";
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 0; // below DNS, so that it stays the default
    }
  }
}
