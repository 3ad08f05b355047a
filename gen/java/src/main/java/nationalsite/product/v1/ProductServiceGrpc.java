package nationalsite.product.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Finds and reads offers on 1688. Nothing here changes state that a caller
 * owns, so every call may be repeated.
 * Each RPC lists its own errors. The common ones, which any call to 1688 can
 * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
 * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
 * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
 * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
 * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
 * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
 * CALLER_FORBIDDEN.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ProductServiceGrpc {

  private ProductServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "nationalsite.product.v1.ProductService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<nationalsite.product.v1.SearchByKeywordRequest,
      nationalsite.product.v1.SearchByKeywordResponse> getSearchByKeywordMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SearchByKeyword",
      requestType = nationalsite.product.v1.SearchByKeywordRequest.class,
      responseType = nationalsite.product.v1.SearchByKeywordResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.product.v1.SearchByKeywordRequest,
      nationalsite.product.v1.SearchByKeywordResponse> getSearchByKeywordMethod() {
    io.grpc.MethodDescriptor<nationalsite.product.v1.SearchByKeywordRequest, nationalsite.product.v1.SearchByKeywordResponse> getSearchByKeywordMethod;
    if ((getSearchByKeywordMethod = ProductServiceGrpc.getSearchByKeywordMethod) == null) {
      synchronized (ProductServiceGrpc.class) {
        if ((getSearchByKeywordMethod = ProductServiceGrpc.getSearchByKeywordMethod) == null) {
          ProductServiceGrpc.getSearchByKeywordMethod = getSearchByKeywordMethod =
              io.grpc.MethodDescriptor.<nationalsite.product.v1.SearchByKeywordRequest, nationalsite.product.v1.SearchByKeywordResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SearchByKeyword"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.SearchByKeywordRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.SearchByKeywordResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProductServiceMethodDescriptorSupplier("SearchByKeyword"))
              .build();
        }
      }
    }
    return getSearchByKeywordMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.product.v1.UploadImageRequest,
      nationalsite.product.v1.UploadImageResponse> getUploadImageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UploadImage",
      requestType = nationalsite.product.v1.UploadImageRequest.class,
      responseType = nationalsite.product.v1.UploadImageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.product.v1.UploadImageRequest,
      nationalsite.product.v1.UploadImageResponse> getUploadImageMethod() {
    io.grpc.MethodDescriptor<nationalsite.product.v1.UploadImageRequest, nationalsite.product.v1.UploadImageResponse> getUploadImageMethod;
    if ((getUploadImageMethod = ProductServiceGrpc.getUploadImageMethod) == null) {
      synchronized (ProductServiceGrpc.class) {
        if ((getUploadImageMethod = ProductServiceGrpc.getUploadImageMethod) == null) {
          ProductServiceGrpc.getUploadImageMethod = getUploadImageMethod =
              io.grpc.MethodDescriptor.<nationalsite.product.v1.UploadImageRequest, nationalsite.product.v1.UploadImageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UploadImage"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.UploadImageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.UploadImageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProductServiceMethodDescriptorSupplier("UploadImage"))
              .build();
        }
      }
    }
    return getUploadImageMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.product.v1.SearchByImageRequest,
      nationalsite.product.v1.SearchByImageResponse> getSearchByImageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SearchByImage",
      requestType = nationalsite.product.v1.SearchByImageRequest.class,
      responseType = nationalsite.product.v1.SearchByImageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.product.v1.SearchByImageRequest,
      nationalsite.product.v1.SearchByImageResponse> getSearchByImageMethod() {
    io.grpc.MethodDescriptor<nationalsite.product.v1.SearchByImageRequest, nationalsite.product.v1.SearchByImageResponse> getSearchByImageMethod;
    if ((getSearchByImageMethod = ProductServiceGrpc.getSearchByImageMethod) == null) {
      synchronized (ProductServiceGrpc.class) {
        if ((getSearchByImageMethod = ProductServiceGrpc.getSearchByImageMethod) == null) {
          ProductServiceGrpc.getSearchByImageMethod = getSearchByImageMethod =
              io.grpc.MethodDescriptor.<nationalsite.product.v1.SearchByImageRequest, nationalsite.product.v1.SearchByImageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SearchByImage"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.SearchByImageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.SearchByImageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProductServiceMethodDescriptorSupplier("SearchByImage"))
              .build();
        }
      }
    }
    return getSearchByImageMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.product.v1.GetProductDetailRequest,
      nationalsite.product.v1.GetProductDetailResponse> getGetProductDetailMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetProductDetail",
      requestType = nationalsite.product.v1.GetProductDetailRequest.class,
      responseType = nationalsite.product.v1.GetProductDetailResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.product.v1.GetProductDetailRequest,
      nationalsite.product.v1.GetProductDetailResponse> getGetProductDetailMethod() {
    io.grpc.MethodDescriptor<nationalsite.product.v1.GetProductDetailRequest, nationalsite.product.v1.GetProductDetailResponse> getGetProductDetailMethod;
    if ((getGetProductDetailMethod = ProductServiceGrpc.getGetProductDetailMethod) == null) {
      synchronized (ProductServiceGrpc.class) {
        if ((getGetProductDetailMethod = ProductServiceGrpc.getGetProductDetailMethod) == null) {
          ProductServiceGrpc.getGetProductDetailMethod = getGetProductDetailMethod =
              io.grpc.MethodDescriptor.<nationalsite.product.v1.GetProductDetailRequest, nationalsite.product.v1.GetProductDetailResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetProductDetail"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.GetProductDetailRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.GetProductDetailResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProductServiceMethodDescriptorSupplier("GetProductDetail"))
              .build();
        }
      }
    }
    return getGetProductDetailMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.product.v1.GetFilterConfigRequest,
      nationalsite.product.v1.GetFilterConfigResponse> getGetFilterConfigMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetFilterConfig",
      requestType = nationalsite.product.v1.GetFilterConfigRequest.class,
      responseType = nationalsite.product.v1.GetFilterConfigResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.product.v1.GetFilterConfigRequest,
      nationalsite.product.v1.GetFilterConfigResponse> getGetFilterConfigMethod() {
    io.grpc.MethodDescriptor<nationalsite.product.v1.GetFilterConfigRequest, nationalsite.product.v1.GetFilterConfigResponse> getGetFilterConfigMethod;
    if ((getGetFilterConfigMethod = ProductServiceGrpc.getGetFilterConfigMethod) == null) {
      synchronized (ProductServiceGrpc.class) {
        if ((getGetFilterConfigMethod = ProductServiceGrpc.getGetFilterConfigMethod) == null) {
          ProductServiceGrpc.getGetFilterConfigMethod = getGetFilterConfigMethod =
              io.grpc.MethodDescriptor.<nationalsite.product.v1.GetFilterConfigRequest, nationalsite.product.v1.GetFilterConfigResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetFilterConfig"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.GetFilterConfigRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.GetFilterConfigResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProductServiceMethodDescriptorSupplier("GetFilterConfig"))
              .build();
        }
      }
    }
    return getGetFilterConfigMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.product.v1.GetCategoryRequest,
      nationalsite.product.v1.GetCategoryResponse> getGetCategoryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetCategory",
      requestType = nationalsite.product.v1.GetCategoryRequest.class,
      responseType = nationalsite.product.v1.GetCategoryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.product.v1.GetCategoryRequest,
      nationalsite.product.v1.GetCategoryResponse> getGetCategoryMethod() {
    io.grpc.MethodDescriptor<nationalsite.product.v1.GetCategoryRequest, nationalsite.product.v1.GetCategoryResponse> getGetCategoryMethod;
    if ((getGetCategoryMethod = ProductServiceGrpc.getGetCategoryMethod) == null) {
      synchronized (ProductServiceGrpc.class) {
        if ((getGetCategoryMethod = ProductServiceGrpc.getGetCategoryMethod) == null) {
          ProductServiceGrpc.getGetCategoryMethod = getGetCategoryMethod =
              io.grpc.MethodDescriptor.<nationalsite.product.v1.GetCategoryRequest, nationalsite.product.v1.GetCategoryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetCategory"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.GetCategoryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.product.v1.GetCategoryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProductServiceMethodDescriptorSupplier("GetCategory"))
              .build();
        }
      }
    }
    return getGetCategoryMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ProductServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProductServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProductServiceStub>() {
        @java.lang.Override
        public ProductServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProductServiceStub(channel, callOptions);
        }
      };
    return ProductServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ProductServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProductServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProductServiceBlockingV2Stub>() {
        @java.lang.Override
        public ProductServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProductServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ProductServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ProductServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProductServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProductServiceBlockingStub>() {
        @java.lang.Override
        public ProductServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProductServiceBlockingStub(channel, callOptions);
        }
      };
    return ProductServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ProductServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProductServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProductServiceFutureStub>() {
        @java.lang.Override
        public ProductServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProductServiceFutureStub(channel, callOptions);
        }
      };
    return ProductServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Finds and reads offers on 1688. Nothing here changes state that a caller
   * owns, so every call may be repeated.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Searches offers by words (1688: product.search.keywordQuery).
     * Needs a keyword. 1688 sorts within a page only, and lets at most 2,000
     * offers of a query be reached: to see others, narrow by category or price.
     * Where nothing is found, the answer has no offers.
     * Errors: the service's common ones, and NOT_IN_DIALECT (a field is set that
     * only the other dialect has).
     * </pre>
     */
    default void searchByKeyword(nationalsite.product.v1.SearchByKeywordRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.SearchByKeywordResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSearchByKeywordMethod(), responseObserver);
    }

    /**
     * <pre>
     * Uploads a picture to search by (1688: product.image.upload).
     * Needs a JPEG or PNG picture. One above the suite's limit (300 KiB unless
     * set otherwise) is re-encoded as a smaller JPEG before it is sent. A repeat
     * does no harm: it yields another id of the same picture. How long 1688
     * keeps an id is not documented.
     * Errors: the service's common ones, INVALID_REQUEST also where a picture to
     * re-encode cannot be read or made small enough, and UPSTREAM_ARGUMENT also
     * where 1688 answers without an id or with "0", its way of saying that it
     * could not use the picture.
     * </pre>
     */
    default void uploadImage(nationalsite.product.v1.UploadImageRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.UploadImageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUploadImageMethod(), responseObserver);
    }

    /**
     * <pre>
     * Searches offers by likeness to a picture (1688:
     * product.search.imageQuery).
     * Needs exactly one of an image id, a picture's address and a picture. A
     * picture is uploaded first, as by UploadImage; ask for further pages with
     * the `image_id` of the response, or each of them uploads again. The limits
     * of SearchByKeyword on sorting and depth hold here too. Where nothing is
     * found, the answer has no offers.
     * Errors: the service's common ones, those of UploadImage where `image` is
     * set, and NOT_IN_DIALECT (a field is set that only the other dialect has;
     * nothing was uploaded).
     * </pre>
     */
    default void searchByImage(nationalsite.product.v1.SearchByImageRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.SearchByImageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSearchByImageMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads one offer with its SKUs, prices and shipping data (1688:
     * product.search.queryProductDetail).
     * Needs an offer id. 1688 shows an offer only where it exists and this app
     * may see it; for the caller both are the same error.
     * Errors: the service's common ones, OFFER_NOT_FOUND (no such offer, none
     * that this app may see, or a success without an offer), and NOT_IN_DIALECT
     * (a field is set that only the other dialect has).
     * </pre>
     */
    default void getProductDetail(nationalsite.product.v1.GetProductDetailRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.GetProductDetailResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetProductDetailMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads the filters and sort fields that the searches take (1688:
     * product.filterData.queryConfig).
     * Needs nothing. The open platform has no such operation: there the suite
     * answers with the list of the national-site document, without asking 1688.
     * Errors: national-site: the service's common ones. open-platform:
     * INVALID_REQUEST, DEADLINE and INTERNAL_FAULT only.
     * </pre>
     */
    default void getFilterConfig(nationalsite.product.v1.GetFilterConfigRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.GetFilterConfigResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetFilterConfigMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads one category and its children (1688: alibaba.category.get).
     * Needs nothing: without an id it reads the root. The tree has three levels;
     * walk down by the ids of the children. The same in both dialects. 1688
     * takes no access token here and ignores a bad one, so a success says
     * nothing about the token.
     * Errors: the service's common ones except UPSTREAM_CREDENTIAL;
     * UPSTREAM_FAULT also where 1688 answers with a code 500_* and the text of
     * its system error.
     * </pre>
     */
    default void getCategory(nationalsite.product.v1.GetCategoryRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.GetCategoryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetCategoryMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ProductService.
   * <pre>
   * Finds and reads offers on 1688. Nothing here changes state that a caller
   * owns, so every call may be repeated.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * </pre>
   */
  public static abstract class ProductServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ProductServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ProductService.
   * <pre>
   * Finds and reads offers on 1688. Nothing here changes state that a caller
   * owns, so every call may be repeated.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * </pre>
   */
  public static final class ProductServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ProductServiceStub> {
    private ProductServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProductServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProductServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Searches offers by words (1688: product.search.keywordQuery).
     * Needs a keyword. 1688 sorts within a page only, and lets at most 2,000
     * offers of a query be reached: to see others, narrow by category or price.
     * Where nothing is found, the answer has no offers.
     * Errors: the service's common ones, and NOT_IN_DIALECT (a field is set that
     * only the other dialect has).
     * </pre>
     */
    public void searchByKeyword(nationalsite.product.v1.SearchByKeywordRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.SearchByKeywordResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSearchByKeywordMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Uploads a picture to search by (1688: product.image.upload).
     * Needs a JPEG or PNG picture. One above the suite's limit (300 KiB unless
     * set otherwise) is re-encoded as a smaller JPEG before it is sent. A repeat
     * does no harm: it yields another id of the same picture. How long 1688
     * keeps an id is not documented.
     * Errors: the service's common ones, INVALID_REQUEST also where a picture to
     * re-encode cannot be read or made small enough, and UPSTREAM_ARGUMENT also
     * where 1688 answers without an id or with "0", its way of saying that it
     * could not use the picture.
     * </pre>
     */
    public void uploadImage(nationalsite.product.v1.UploadImageRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.UploadImageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUploadImageMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Searches offers by likeness to a picture (1688:
     * product.search.imageQuery).
     * Needs exactly one of an image id, a picture's address and a picture. A
     * picture is uploaded first, as by UploadImage; ask for further pages with
     * the `image_id` of the response, or each of them uploads again. The limits
     * of SearchByKeyword on sorting and depth hold here too. Where nothing is
     * found, the answer has no offers.
     * Errors: the service's common ones, those of UploadImage where `image` is
     * set, and NOT_IN_DIALECT (a field is set that only the other dialect has;
     * nothing was uploaded).
     * </pre>
     */
    public void searchByImage(nationalsite.product.v1.SearchByImageRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.SearchByImageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSearchByImageMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads one offer with its SKUs, prices and shipping data (1688:
     * product.search.queryProductDetail).
     * Needs an offer id. 1688 shows an offer only where it exists and this app
     * may see it; for the caller both are the same error.
     * Errors: the service's common ones, OFFER_NOT_FOUND (no such offer, none
     * that this app may see, or a success without an offer), and NOT_IN_DIALECT
     * (a field is set that only the other dialect has).
     * </pre>
     */
    public void getProductDetail(nationalsite.product.v1.GetProductDetailRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.GetProductDetailResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetProductDetailMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads the filters and sort fields that the searches take (1688:
     * product.filterData.queryConfig).
     * Needs nothing. The open platform has no such operation: there the suite
     * answers with the list of the national-site document, without asking 1688.
     * Errors: national-site: the service's common ones. open-platform:
     * INVALID_REQUEST, DEADLINE and INTERNAL_FAULT only.
     * </pre>
     */
    public void getFilterConfig(nationalsite.product.v1.GetFilterConfigRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.GetFilterConfigResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetFilterConfigMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads one category and its children (1688: alibaba.category.get).
     * Needs nothing: without an id it reads the root. The tree has three levels;
     * walk down by the ids of the children. The same in both dialects. 1688
     * takes no access token here and ignores a bad one, so a success says
     * nothing about the token.
     * Errors: the service's common ones except UPSTREAM_CREDENTIAL;
     * UPSTREAM_FAULT also where 1688 answers with a code 500_* and the text of
     * its system error.
     * </pre>
     */
    public void getCategory(nationalsite.product.v1.GetCategoryRequest request,
        io.grpc.stub.StreamObserver<nationalsite.product.v1.GetCategoryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetCategoryMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ProductService.
   * <pre>
   * Finds and reads offers on 1688. Nothing here changes state that a caller
   * owns, so every call may be repeated.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * </pre>
   */
  public static final class ProductServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ProductServiceBlockingV2Stub> {
    private ProductServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProductServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProductServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Searches offers by words (1688: product.search.keywordQuery).
     * Needs a keyword. 1688 sorts within a page only, and lets at most 2,000
     * offers of a query be reached: to see others, narrow by category or price.
     * Where nothing is found, the answer has no offers.
     * Errors: the service's common ones, and NOT_IN_DIALECT (a field is set that
     * only the other dialect has).
     * </pre>
     */
    public nationalsite.product.v1.SearchByKeywordResponse searchByKeyword(nationalsite.product.v1.SearchByKeywordRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSearchByKeywordMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Uploads a picture to search by (1688: product.image.upload).
     * Needs a JPEG or PNG picture. One above the suite's limit (300 KiB unless
     * set otherwise) is re-encoded as a smaller JPEG before it is sent. A repeat
     * does no harm: it yields another id of the same picture. How long 1688
     * keeps an id is not documented.
     * Errors: the service's common ones, INVALID_REQUEST also where a picture to
     * re-encode cannot be read or made small enough, and UPSTREAM_ARGUMENT also
     * where 1688 answers without an id or with "0", its way of saying that it
     * could not use the picture.
     * </pre>
     */
    public nationalsite.product.v1.UploadImageResponse uploadImage(nationalsite.product.v1.UploadImageRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUploadImageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Searches offers by likeness to a picture (1688:
     * product.search.imageQuery).
     * Needs exactly one of an image id, a picture's address and a picture. A
     * picture is uploaded first, as by UploadImage; ask for further pages with
     * the `image_id` of the response, or each of them uploads again. The limits
     * of SearchByKeyword on sorting and depth hold here too. Where nothing is
     * found, the answer has no offers.
     * Errors: the service's common ones, those of UploadImage where `image` is
     * set, and NOT_IN_DIALECT (a field is set that only the other dialect has;
     * nothing was uploaded).
     * </pre>
     */
    public nationalsite.product.v1.SearchByImageResponse searchByImage(nationalsite.product.v1.SearchByImageRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSearchByImageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one offer with its SKUs, prices and shipping data (1688:
     * product.search.queryProductDetail).
     * Needs an offer id. 1688 shows an offer only where it exists and this app
     * may see it; for the caller both are the same error.
     * Errors: the service's common ones, OFFER_NOT_FOUND (no such offer, none
     * that this app may see, or a success without an offer), and NOT_IN_DIALECT
     * (a field is set that only the other dialect has).
     * </pre>
     */
    public nationalsite.product.v1.GetProductDetailResponse getProductDetail(nationalsite.product.v1.GetProductDetailRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetProductDetailMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads the filters and sort fields that the searches take (1688:
     * product.filterData.queryConfig).
     * Needs nothing. The open platform has no such operation: there the suite
     * answers with the list of the national-site document, without asking 1688.
     * Errors: national-site: the service's common ones. open-platform:
     * INVALID_REQUEST, DEADLINE and INTERNAL_FAULT only.
     * </pre>
     */
    public nationalsite.product.v1.GetFilterConfigResponse getFilterConfig(nationalsite.product.v1.GetFilterConfigRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetFilterConfigMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one category and its children (1688: alibaba.category.get).
     * Needs nothing: without an id it reads the root. The tree has three levels;
     * walk down by the ids of the children. The same in both dialects. 1688
     * takes no access token here and ignores a bad one, so a success says
     * nothing about the token.
     * Errors: the service's common ones except UPSTREAM_CREDENTIAL;
     * UPSTREAM_FAULT also where 1688 answers with a code 500_* and the text of
     * its system error.
     * </pre>
     */
    public nationalsite.product.v1.GetCategoryResponse getCategory(nationalsite.product.v1.GetCategoryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetCategoryMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ProductService.
   * <pre>
   * Finds and reads offers on 1688. Nothing here changes state that a caller
   * owns, so every call may be repeated.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * </pre>
   */
  public static final class ProductServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ProductServiceBlockingStub> {
    private ProductServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProductServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProductServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Searches offers by words (1688: product.search.keywordQuery).
     * Needs a keyword. 1688 sorts within a page only, and lets at most 2,000
     * offers of a query be reached: to see others, narrow by category or price.
     * Where nothing is found, the answer has no offers.
     * Errors: the service's common ones, and NOT_IN_DIALECT (a field is set that
     * only the other dialect has).
     * </pre>
     */
    public nationalsite.product.v1.SearchByKeywordResponse searchByKeyword(nationalsite.product.v1.SearchByKeywordRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSearchByKeywordMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Uploads a picture to search by (1688: product.image.upload).
     * Needs a JPEG or PNG picture. One above the suite's limit (300 KiB unless
     * set otherwise) is re-encoded as a smaller JPEG before it is sent. A repeat
     * does no harm: it yields another id of the same picture. How long 1688
     * keeps an id is not documented.
     * Errors: the service's common ones, INVALID_REQUEST also where a picture to
     * re-encode cannot be read or made small enough, and UPSTREAM_ARGUMENT also
     * where 1688 answers without an id or with "0", its way of saying that it
     * could not use the picture.
     * </pre>
     */
    public nationalsite.product.v1.UploadImageResponse uploadImage(nationalsite.product.v1.UploadImageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUploadImageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Searches offers by likeness to a picture (1688:
     * product.search.imageQuery).
     * Needs exactly one of an image id, a picture's address and a picture. A
     * picture is uploaded first, as by UploadImage; ask for further pages with
     * the `image_id` of the response, or each of them uploads again. The limits
     * of SearchByKeyword on sorting and depth hold here too. Where nothing is
     * found, the answer has no offers.
     * Errors: the service's common ones, those of UploadImage where `image` is
     * set, and NOT_IN_DIALECT (a field is set that only the other dialect has;
     * nothing was uploaded).
     * </pre>
     */
    public nationalsite.product.v1.SearchByImageResponse searchByImage(nationalsite.product.v1.SearchByImageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSearchByImageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one offer with its SKUs, prices and shipping data (1688:
     * product.search.queryProductDetail).
     * Needs an offer id. 1688 shows an offer only where it exists and this app
     * may see it; for the caller both are the same error.
     * Errors: the service's common ones, OFFER_NOT_FOUND (no such offer, none
     * that this app may see, or a success without an offer), and NOT_IN_DIALECT
     * (a field is set that only the other dialect has).
     * </pre>
     */
    public nationalsite.product.v1.GetProductDetailResponse getProductDetail(nationalsite.product.v1.GetProductDetailRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetProductDetailMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads the filters and sort fields that the searches take (1688:
     * product.filterData.queryConfig).
     * Needs nothing. The open platform has no such operation: there the suite
     * answers with the list of the national-site document, without asking 1688.
     * Errors: national-site: the service's common ones. open-platform:
     * INVALID_REQUEST, DEADLINE and INTERNAL_FAULT only.
     * </pre>
     */
    public nationalsite.product.v1.GetFilterConfigResponse getFilterConfig(nationalsite.product.v1.GetFilterConfigRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetFilterConfigMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one category and its children (1688: alibaba.category.get).
     * Needs nothing: without an id it reads the root. The tree has three levels;
     * walk down by the ids of the children. The same in both dialects. 1688
     * takes no access token here and ignores a bad one, so a success says
     * nothing about the token.
     * Errors: the service's common ones except UPSTREAM_CREDENTIAL;
     * UPSTREAM_FAULT also where 1688 answers with a code 500_* and the text of
     * its system error.
     * </pre>
     */
    public nationalsite.product.v1.GetCategoryResponse getCategory(nationalsite.product.v1.GetCategoryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetCategoryMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ProductService.
   * <pre>
   * Finds and reads offers on 1688. Nothing here changes state that a caller
   * owns, so every call may be repeated.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * </pre>
   */
  public static final class ProductServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ProductServiceFutureStub> {
    private ProductServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProductServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProductServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Searches offers by words (1688: product.search.keywordQuery).
     * Needs a keyword. 1688 sorts within a page only, and lets at most 2,000
     * offers of a query be reached: to see others, narrow by category or price.
     * Where nothing is found, the answer has no offers.
     * Errors: the service's common ones, and NOT_IN_DIALECT (a field is set that
     * only the other dialect has).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.product.v1.SearchByKeywordResponse> searchByKeyword(
        nationalsite.product.v1.SearchByKeywordRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSearchByKeywordMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Uploads a picture to search by (1688: product.image.upload).
     * Needs a JPEG or PNG picture. One above the suite's limit (300 KiB unless
     * set otherwise) is re-encoded as a smaller JPEG before it is sent. A repeat
     * does no harm: it yields another id of the same picture. How long 1688
     * keeps an id is not documented.
     * Errors: the service's common ones, INVALID_REQUEST also where a picture to
     * re-encode cannot be read or made small enough, and UPSTREAM_ARGUMENT also
     * where 1688 answers without an id or with "0", its way of saying that it
     * could not use the picture.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.product.v1.UploadImageResponse> uploadImage(
        nationalsite.product.v1.UploadImageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUploadImageMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Searches offers by likeness to a picture (1688:
     * product.search.imageQuery).
     * Needs exactly one of an image id, a picture's address and a picture. A
     * picture is uploaded first, as by UploadImage; ask for further pages with
     * the `image_id` of the response, or each of them uploads again. The limits
     * of SearchByKeyword on sorting and depth hold here too. Where nothing is
     * found, the answer has no offers.
     * Errors: the service's common ones, those of UploadImage where `image` is
     * set, and NOT_IN_DIALECT (a field is set that only the other dialect has;
     * nothing was uploaded).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.product.v1.SearchByImageResponse> searchByImage(
        nationalsite.product.v1.SearchByImageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSearchByImageMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads one offer with its SKUs, prices and shipping data (1688:
     * product.search.queryProductDetail).
     * Needs an offer id. 1688 shows an offer only where it exists and this app
     * may see it; for the caller both are the same error.
     * Errors: the service's common ones, OFFER_NOT_FOUND (no such offer, none
     * that this app may see, or a success without an offer), and NOT_IN_DIALECT
     * (a field is set that only the other dialect has).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.product.v1.GetProductDetailResponse> getProductDetail(
        nationalsite.product.v1.GetProductDetailRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetProductDetailMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads the filters and sort fields that the searches take (1688:
     * product.filterData.queryConfig).
     * Needs nothing. The open platform has no such operation: there the suite
     * answers with the list of the national-site document, without asking 1688.
     * Errors: national-site: the service's common ones. open-platform:
     * INVALID_REQUEST, DEADLINE and INTERNAL_FAULT only.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.product.v1.GetFilterConfigResponse> getFilterConfig(
        nationalsite.product.v1.GetFilterConfigRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetFilterConfigMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads one category and its children (1688: alibaba.category.get).
     * Needs nothing: without an id it reads the root. The tree has three levels;
     * walk down by the ids of the children. The same in both dialects. 1688
     * takes no access token here and ignores a bad one, so a success says
     * nothing about the token.
     * Errors: the service's common ones except UPSTREAM_CREDENTIAL;
     * UPSTREAM_FAULT also where 1688 answers with a code 500_* and the text of
     * its system error.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.product.v1.GetCategoryResponse> getCategory(
        nationalsite.product.v1.GetCategoryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetCategoryMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_SEARCH_BY_KEYWORD = 0;
  private static final int METHODID_UPLOAD_IMAGE = 1;
  private static final int METHODID_SEARCH_BY_IMAGE = 2;
  private static final int METHODID_GET_PRODUCT_DETAIL = 3;
  private static final int METHODID_GET_FILTER_CONFIG = 4;
  private static final int METHODID_GET_CATEGORY = 5;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_SEARCH_BY_KEYWORD:
          serviceImpl.searchByKeyword((nationalsite.product.v1.SearchByKeywordRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.product.v1.SearchByKeywordResponse>) responseObserver);
          break;
        case METHODID_UPLOAD_IMAGE:
          serviceImpl.uploadImage((nationalsite.product.v1.UploadImageRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.product.v1.UploadImageResponse>) responseObserver);
          break;
        case METHODID_SEARCH_BY_IMAGE:
          serviceImpl.searchByImage((nationalsite.product.v1.SearchByImageRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.product.v1.SearchByImageResponse>) responseObserver);
          break;
        case METHODID_GET_PRODUCT_DETAIL:
          serviceImpl.getProductDetail((nationalsite.product.v1.GetProductDetailRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.product.v1.GetProductDetailResponse>) responseObserver);
          break;
        case METHODID_GET_FILTER_CONFIG:
          serviceImpl.getFilterConfig((nationalsite.product.v1.GetFilterConfigRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.product.v1.GetFilterConfigResponse>) responseObserver);
          break;
        case METHODID_GET_CATEGORY:
          serviceImpl.getCategory((nationalsite.product.v1.GetCategoryRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.product.v1.GetCategoryResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getSearchByKeywordMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.product.v1.SearchByKeywordRequest,
              nationalsite.product.v1.SearchByKeywordResponse>(
                service, METHODID_SEARCH_BY_KEYWORD)))
        .addMethod(
          getUploadImageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.product.v1.UploadImageRequest,
              nationalsite.product.v1.UploadImageResponse>(
                service, METHODID_UPLOAD_IMAGE)))
        .addMethod(
          getSearchByImageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.product.v1.SearchByImageRequest,
              nationalsite.product.v1.SearchByImageResponse>(
                service, METHODID_SEARCH_BY_IMAGE)))
        .addMethod(
          getGetProductDetailMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.product.v1.GetProductDetailRequest,
              nationalsite.product.v1.GetProductDetailResponse>(
                service, METHODID_GET_PRODUCT_DETAIL)))
        .addMethod(
          getGetFilterConfigMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.product.v1.GetFilterConfigRequest,
              nationalsite.product.v1.GetFilterConfigResponse>(
                service, METHODID_GET_FILTER_CONFIG)))
        .addMethod(
          getGetCategoryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.product.v1.GetCategoryRequest,
              nationalsite.product.v1.GetCategoryResponse>(
                service, METHODID_GET_CATEGORY)))
        .build();
  }

  private static abstract class ProductServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ProductServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return nationalsite.product.v1.ProductServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ProductService");
    }
  }

  private static final class ProductServiceFileDescriptorSupplier
      extends ProductServiceBaseDescriptorSupplier {
    ProductServiceFileDescriptorSupplier() {}
  }

  private static final class ProductServiceMethodDescriptorSupplier
      extends ProductServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ProductServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (ProductServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ProductServiceFileDescriptorSupplier())
              .addMethod(getSearchByKeywordMethod())
              .addMethod(getUploadImageMethod())
              .addMethod(getSearchByImageMethod())
              .addMethod(getGetProductDetailMethod())
              .addMethod(getGetFilterConfigMethod())
              .addMethod(getGetCategoryMethod())
              .build();
        }
      }
    }
    return result;
  }
}
