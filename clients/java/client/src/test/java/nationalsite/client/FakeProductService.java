package nationalsite.client;

import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import nationalsite.product.v1.GetCategoryRequest;
import nationalsite.product.v1.GetCategoryResponse;
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.UploadImageRequest;
import nationalsite.product.v1.UploadImageResponse;

/** A ProductService on loopback with a read and a write. It counts calls and gives all of them the same answer. */
final class FakeProductService extends ProductServiceGrpc.ProductServiceImplBase implements AutoCloseable {
  final AtomicInteger calls = new AtomicInteger();
  final HealthStatusManager health = new HealthStatusManager();
  /** The error of all calls; null if they succeed. */
  volatile StatusRuntimeException error;
  volatile GetCategoryResponse category = GetCategoryResponse.getDefaultInstance();
  /** Whether calls get a response at all. */
  volatile boolean responds = true;
  volatile Runnable onCall = () -> {};
  private final Server server;

  FakeProductService() throws IOException {
    health.setStatus(ProductServiceGrpc.SERVICE_NAME, ServingStatus.SERVING);
    server =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(this)
            .addService(health.getHealthService())
            .build()
            .start();
  }

  String address() {
    return "127.0.0.1:" + port();
  }

  int port() {
    return server.getPort();
  }

  @Override
  public void getCategory(GetCategoryRequest request, StreamObserver<GetCategoryResponse> observer) {
    respond(category, observer);
  }

  @Override
  public void uploadImage(UploadImageRequest request, StreamObserver<UploadImageResponse> observer) {
    respond(UploadImageResponse.getDefaultInstance(), observer);
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private <T> void respond(T response, StreamObserver<T> observer) {
    calls.incrementAndGet();
    onCall.run();
    if (!responds) {
      return;
    }
    if (error != null) {
      observer.onError(error);
      return;
    }
    observer.onNext(response);
    observer.onCompleted();
  }
}
