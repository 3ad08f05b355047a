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

/** A ProductService on loopback, with a read and a write: counts calls and gives one answer to all. */
final class Products extends ProductServiceGrpc.ProductServiceImplBase implements AutoCloseable {
  final AtomicInteger calls = new AtomicInteger();
  final HealthStatusManager health = new HealthStatusManager();
  /** What calls fail with; null: they do not. */
  volatile StatusRuntimeException failure;
  volatile GetCategoryResponse category = GetCategoryResponse.getDefaultInstance();
  /** Whether calls are answered at all. */
  volatile boolean answers = true;
  volatile Runnable onCall = () -> {};
  private final Server server;

  Products() throws IOException {
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
  public void getCategory(GetCategoryRequest request, StreamObserver<GetCategoryResponse> caller) {
    answer(category, caller);
  }

  @Override
  public void uploadImage(UploadImageRequest request, StreamObserver<UploadImageResponse> caller) {
    answer(UploadImageResponse.getDefaultInstance(), caller);
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private <T> void answer(T response, StreamObserver<T> caller) {
    calls.incrementAndGet();
    onCall.run();
    if (!answers) {
      return;
    }
    if (failure != null) {
      caller.onError(failure);
      return;
    }
    caller.onNext(response);
    caller.onCompleted();
  }
}
