package nationalsite.account.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Registers the national site's buyers with 1688.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AccountServiceGrpc {

  private AccountServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "nationalsite.account.v1.AccountService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<nationalsite.account.v1.RegisterUserRequest,
      nationalsite.account.v1.RegisterUserResponse> getRegisterUserMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RegisterUser",
      requestType = nationalsite.account.v1.RegisterUserRequest.class,
      responseType = nationalsite.account.v1.RegisterUserResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.account.v1.RegisterUserRequest,
      nationalsite.account.v1.RegisterUserResponse> getRegisterUserMethod() {
    io.grpc.MethodDescriptor<nationalsite.account.v1.RegisterUserRequest, nationalsite.account.v1.RegisterUserResponse> getRegisterUserMethod;
    if ((getRegisterUserMethod = AccountServiceGrpc.getRegisterUserMethod) == null) {
      synchronized (AccountServiceGrpc.class) {
        if ((getRegisterUserMethod = AccountServiceGrpc.getRegisterUserMethod) == null) {
          AccountServiceGrpc.getRegisterUserMethod = getRegisterUserMethod =
              io.grpc.MethodDescriptor.<nationalsite.account.v1.RegisterUserRequest, nationalsite.account.v1.RegisterUserResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RegisterUser"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.account.v1.RegisterUserRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.account.v1.RegisterUserResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AccountServiceMethodDescriptorSupplier("RegisterUser"))
              .build();
        }
      }
    }
    return getRegisterUserMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AccountServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AccountServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AccountServiceStub>() {
        @java.lang.Override
        public AccountServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AccountServiceStub(channel, callOptions);
        }
      };
    return AccountServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AccountServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AccountServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AccountServiceBlockingV2Stub>() {
        @java.lang.Override
        public AccountServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AccountServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return AccountServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AccountServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AccountServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AccountServiceBlockingStub>() {
        @java.lang.Override
        public AccountServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AccountServiceBlockingStub(channel, callOptions);
        }
      };
    return AccountServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AccountServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AccountServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AccountServiceFutureStub>() {
        @java.lang.Override
        public AccountServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AccountServiceFutureStub(channel, callOptions);
        }
      };
    return AccountServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Registers the national site's buyers with 1688.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Registers a buyer (1688: account.user.register).
     * OK means that 1688 registered the buyer: both its flag and its outcome
     * were true. The call is not repeated once it may have reached 1688, and it
     * is not known whether 1688 accepts the same buyer twice.
     * Errors: INVALID_REQUEST, REQUIRED_IN_DIALECT (open-platform: e-mail,
     * mobile, area and IP address are all needed), ACCOUNT_EXISTS (where 1688's
     * text says so), UPSTREAM_REFUSED (1688's reason is in the metadata
     * `message`), OUTCOME_UNKNOWN, UPSTREAM_UNAVAILABLE (not sent), UPSTREAM_RATE,
     * UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL, UPSTREAM_PERMISSION,
     * UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY, OVERLOADED, DEADLINE and DRAINING (not
     * sent), INTERNAL_FAULT; with a `request_id` also REQUEST_ID_REUSED,
     * REQUEST_IN_PROGRESS and STORE_UNAVAILABLE (not sent); where the service has
     * a policy, CALLER_UNKNOWN and CALLER_FORBIDDEN.
     * </pre>
     */
    default void registerUser(nationalsite.account.v1.RegisterUserRequest request,
        io.grpc.stub.StreamObserver<nationalsite.account.v1.RegisterUserResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRegisterUserMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service AccountService.
   * <pre>
   * Registers the national site's buyers with 1688.
   * </pre>
   */
  public static abstract class AccountServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AccountServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service AccountService.
   * <pre>
   * Registers the national site's buyers with 1688.
   * </pre>
   */
  public static final class AccountServiceStub
      extends io.grpc.stub.AbstractAsyncStub<AccountServiceStub> {
    private AccountServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AccountServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AccountServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Registers a buyer (1688: account.user.register).
     * OK means that 1688 registered the buyer: both its flag and its outcome
     * were true. The call is not repeated once it may have reached 1688, and it
     * is not known whether 1688 accepts the same buyer twice.
     * Errors: INVALID_REQUEST, REQUIRED_IN_DIALECT (open-platform: e-mail,
     * mobile, area and IP address are all needed), ACCOUNT_EXISTS (where 1688's
     * text says so), UPSTREAM_REFUSED (1688's reason is in the metadata
     * `message`), OUTCOME_UNKNOWN, UPSTREAM_UNAVAILABLE (not sent), UPSTREAM_RATE,
     * UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL, UPSTREAM_PERMISSION,
     * UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY, OVERLOADED, DEADLINE and DRAINING (not
     * sent), INTERNAL_FAULT; with a `request_id` also REQUEST_ID_REUSED,
     * REQUEST_IN_PROGRESS and STORE_UNAVAILABLE (not sent); where the service has
     * a policy, CALLER_UNKNOWN and CALLER_FORBIDDEN.
     * </pre>
     */
    public void registerUser(nationalsite.account.v1.RegisterUserRequest request,
        io.grpc.stub.StreamObserver<nationalsite.account.v1.RegisterUserResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRegisterUserMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service AccountService.
   * <pre>
   * Registers the national site's buyers with 1688.
   * </pre>
   */
  public static final class AccountServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AccountServiceBlockingV2Stub> {
    private AccountServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AccountServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AccountServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Registers a buyer (1688: account.user.register).
     * OK means that 1688 registered the buyer: both its flag and its outcome
     * were true. The call is not repeated once it may have reached 1688, and it
     * is not known whether 1688 accepts the same buyer twice.
     * Errors: INVALID_REQUEST, REQUIRED_IN_DIALECT (open-platform: e-mail,
     * mobile, area and IP address are all needed), ACCOUNT_EXISTS (where 1688's
     * text says so), UPSTREAM_REFUSED (1688's reason is in the metadata
     * `message`), OUTCOME_UNKNOWN, UPSTREAM_UNAVAILABLE (not sent), UPSTREAM_RATE,
     * UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL, UPSTREAM_PERMISSION,
     * UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY, OVERLOADED, DEADLINE and DRAINING (not
     * sent), INTERNAL_FAULT; with a `request_id` also REQUEST_ID_REUSED,
     * REQUEST_IN_PROGRESS and STORE_UNAVAILABLE (not sent); where the service has
     * a policy, CALLER_UNKNOWN and CALLER_FORBIDDEN.
     * </pre>
     */
    public nationalsite.account.v1.RegisterUserResponse registerUser(nationalsite.account.v1.RegisterUserRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRegisterUserMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service AccountService.
   * <pre>
   * Registers the national site's buyers with 1688.
   * </pre>
   */
  public static final class AccountServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AccountServiceBlockingStub> {
    private AccountServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AccountServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AccountServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Registers a buyer (1688: account.user.register).
     * OK means that 1688 registered the buyer: both its flag and its outcome
     * were true. The call is not repeated once it may have reached 1688, and it
     * is not known whether 1688 accepts the same buyer twice.
     * Errors: INVALID_REQUEST, REQUIRED_IN_DIALECT (open-platform: e-mail,
     * mobile, area and IP address are all needed), ACCOUNT_EXISTS (where 1688's
     * text says so), UPSTREAM_REFUSED (1688's reason is in the metadata
     * `message`), OUTCOME_UNKNOWN, UPSTREAM_UNAVAILABLE (not sent), UPSTREAM_RATE,
     * UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL, UPSTREAM_PERMISSION,
     * UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY, OVERLOADED, DEADLINE and DRAINING (not
     * sent), INTERNAL_FAULT; with a `request_id` also REQUEST_ID_REUSED,
     * REQUEST_IN_PROGRESS and STORE_UNAVAILABLE (not sent); where the service has
     * a policy, CALLER_UNKNOWN and CALLER_FORBIDDEN.
     * </pre>
     */
    public nationalsite.account.v1.RegisterUserResponse registerUser(nationalsite.account.v1.RegisterUserRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRegisterUserMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service AccountService.
   * <pre>
   * Registers the national site's buyers with 1688.
   * </pre>
   */
  public static final class AccountServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<AccountServiceFutureStub> {
    private AccountServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AccountServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AccountServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Registers a buyer (1688: account.user.register).
     * OK means that 1688 registered the buyer: both its flag and its outcome
     * were true. The call is not repeated once it may have reached 1688, and it
     * is not known whether 1688 accepts the same buyer twice.
     * Errors: INVALID_REQUEST, REQUIRED_IN_DIALECT (open-platform: e-mail,
     * mobile, area and IP address are all needed), ACCOUNT_EXISTS (where 1688's
     * text says so), UPSTREAM_REFUSED (1688's reason is in the metadata
     * `message`), OUTCOME_UNKNOWN, UPSTREAM_UNAVAILABLE (not sent), UPSTREAM_RATE,
     * UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL, UPSTREAM_PERMISSION,
     * UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY, OVERLOADED, DEADLINE and DRAINING (not
     * sent), INTERNAL_FAULT; with a `request_id` also REQUEST_ID_REUSED,
     * REQUEST_IN_PROGRESS and STORE_UNAVAILABLE (not sent); where the service has
     * a policy, CALLER_UNKNOWN and CALLER_FORBIDDEN.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.account.v1.RegisterUserResponse> registerUser(
        nationalsite.account.v1.RegisterUserRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRegisterUserMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_REGISTER_USER = 0;

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
        case METHODID_REGISTER_USER:
          serviceImpl.registerUser((nationalsite.account.v1.RegisterUserRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.account.v1.RegisterUserResponse>) responseObserver);
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
          getRegisterUserMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.account.v1.RegisterUserRequest,
              nationalsite.account.v1.RegisterUserResponse>(
                service, METHODID_REGISTER_USER)))
        .build();
  }

  private static abstract class AccountServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AccountServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return nationalsite.account.v1.AccountServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("AccountService");
    }
  }

  private static final class AccountServiceFileDescriptorSupplier
      extends AccountServiceBaseDescriptorSupplier {
    AccountServiceFileDescriptorSupplier() {}
  }

  private static final class AccountServiceMethodDescriptorSupplier
      extends AccountServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AccountServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (AccountServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AccountServiceFileDescriptorSupplier())
              .addMethod(getRegisterUserMethod())
              .build();
        }
      }
    }
    return result;
  }
}
