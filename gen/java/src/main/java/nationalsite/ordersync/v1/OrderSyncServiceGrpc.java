package nationalsite.ordersync.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Tells 1688 of downstream orders, at once or through a durable delivery;
 * pays and refunds purchase orders; hands out the messages that 1688 pushes.
 * Each RPC lists its own errors. The common ones, which any call to 1688 can
 * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
 * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
 * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
 * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
 * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
 * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
 * CALLER_FORBIDDEN.
 * GetAlipayUrl, CreateRefund and SubmitReturnGoods are not repeated by the
 * suite once they may have reached 1688: where their outcome is not known,
 * they end in OUTCOME_UNKNOWN (UNKNOWN, pushback -1) instead of
 * UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE, UPSTREAM_FAULT and DEADLINE,
 * which then say that nothing was sent.
 * A call with a `request_id` can also end in REQUEST_ID_REUSED (the id was
 * used with other content), REQUEST_IN_PROGRESS (the first call still runs) and
 * STORE_UNAVAILABLE. Its id is remembered for its caller and RPC. A repeat of
 * one of the three RPCs above whose first call had an unknown outcome is
 * OUTCOME_UNKNOWN, and nothing is sent; any other is sent again.
 * A sync that is called directly while a delivery of the same ordering key is
 * pending would overtake it: DELIVERY_PENDING.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class OrderSyncServiceGrpc {

  private OrderSyncServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "nationalsite.ordersync.v1.OrderSyncService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncOrderRequest,
      nationalsite.ordersync.v1.SyncOrderResponse> getSyncOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SyncOrder",
      requestType = nationalsite.ordersync.v1.SyncOrderRequest.class,
      responseType = nationalsite.ordersync.v1.SyncOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncOrderRequest,
      nationalsite.ordersync.v1.SyncOrderResponse> getSyncOrderMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncOrderRequest, nationalsite.ordersync.v1.SyncOrderResponse> getSyncOrderMethod;
    if ((getSyncOrderMethod = OrderSyncServiceGrpc.getSyncOrderMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getSyncOrderMethod = OrderSyncServiceGrpc.getSyncOrderMethod) == null) {
          OrderSyncServiceGrpc.getSyncOrderMethod = getSyncOrderMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.SyncOrderRequest, nationalsite.ordersync.v1.SyncOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SyncOrder"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SyncOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SyncOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("SyncOrder"))
              .build();
        }
      }
    }
    return getSyncOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.WriteOrderRelationsRequest,
      nationalsite.ordersync.v1.WriteOrderRelationsResponse> getWriteOrderRelationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WriteOrderRelations",
      requestType = nationalsite.ordersync.v1.WriteOrderRelationsRequest.class,
      responseType = nationalsite.ordersync.v1.WriteOrderRelationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.WriteOrderRelationsRequest,
      nationalsite.ordersync.v1.WriteOrderRelationsResponse> getWriteOrderRelationsMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.WriteOrderRelationsRequest, nationalsite.ordersync.v1.WriteOrderRelationsResponse> getWriteOrderRelationsMethod;
    if ((getWriteOrderRelationsMethod = OrderSyncServiceGrpc.getWriteOrderRelationsMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getWriteOrderRelationsMethod = OrderSyncServiceGrpc.getWriteOrderRelationsMethod) == null) {
          OrderSyncServiceGrpc.getWriteOrderRelationsMethod = getWriteOrderRelationsMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.WriteOrderRelationsRequest, nationalsite.ordersync.v1.WriteOrderRelationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WriteOrderRelations"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.WriteOrderRelationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.WriteOrderRelationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("WriteOrderRelations"))
              .build();
        }
      }
    }
    return getWriteOrderRelationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncOrderStatusRequest,
      nationalsite.ordersync.v1.SyncOrderStatusResponse> getSyncOrderStatusMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SyncOrderStatus",
      requestType = nationalsite.ordersync.v1.SyncOrderStatusRequest.class,
      responseType = nationalsite.ordersync.v1.SyncOrderStatusResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncOrderStatusRequest,
      nationalsite.ordersync.v1.SyncOrderStatusResponse> getSyncOrderStatusMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncOrderStatusRequest, nationalsite.ordersync.v1.SyncOrderStatusResponse> getSyncOrderStatusMethod;
    if ((getSyncOrderStatusMethod = OrderSyncServiceGrpc.getSyncOrderStatusMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getSyncOrderStatusMethod = OrderSyncServiceGrpc.getSyncOrderStatusMethod) == null) {
          OrderSyncServiceGrpc.getSyncOrderStatusMethod = getSyncOrderStatusMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.SyncOrderStatusRequest, nationalsite.ordersync.v1.SyncOrderStatusResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SyncOrderStatus"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SyncOrderStatusRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SyncOrderStatusResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("SyncOrderStatus"))
              .build();
        }
      }
    }
    return getSyncOrderStatusMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncLogisticsOrderRequest,
      nationalsite.ordersync.v1.SyncLogisticsOrderResponse> getSyncLogisticsOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SyncLogisticsOrder",
      requestType = nationalsite.ordersync.v1.SyncLogisticsOrderRequest.class,
      responseType = nationalsite.ordersync.v1.SyncLogisticsOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncLogisticsOrderRequest,
      nationalsite.ordersync.v1.SyncLogisticsOrderResponse> getSyncLogisticsOrderMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncLogisticsOrderRequest, nationalsite.ordersync.v1.SyncLogisticsOrderResponse> getSyncLogisticsOrderMethod;
    if ((getSyncLogisticsOrderMethod = OrderSyncServiceGrpc.getSyncLogisticsOrderMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getSyncLogisticsOrderMethod = OrderSyncServiceGrpc.getSyncLogisticsOrderMethod) == null) {
          OrderSyncServiceGrpc.getSyncLogisticsOrderMethod = getSyncLogisticsOrderMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.SyncLogisticsOrderRequest, nationalsite.ordersync.v1.SyncLogisticsOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SyncLogisticsOrder"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SyncLogisticsOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SyncLogisticsOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("SyncLogisticsOrder"))
              .build();
        }
      }
    }
    return getSyncLogisticsOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncLogisticsStatusRequest,
      nationalsite.ordersync.v1.SyncLogisticsStatusResponse> getSyncLogisticsStatusMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SyncLogisticsStatus",
      requestType = nationalsite.ordersync.v1.SyncLogisticsStatusRequest.class,
      responseType = nationalsite.ordersync.v1.SyncLogisticsStatusResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncLogisticsStatusRequest,
      nationalsite.ordersync.v1.SyncLogisticsStatusResponse> getSyncLogisticsStatusMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SyncLogisticsStatusRequest, nationalsite.ordersync.v1.SyncLogisticsStatusResponse> getSyncLogisticsStatusMethod;
    if ((getSyncLogisticsStatusMethod = OrderSyncServiceGrpc.getSyncLogisticsStatusMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getSyncLogisticsStatusMethod = OrderSyncServiceGrpc.getSyncLogisticsStatusMethod) == null) {
          OrderSyncServiceGrpc.getSyncLogisticsStatusMethod = getSyncLogisticsStatusMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.SyncLogisticsStatusRequest, nationalsite.ordersync.v1.SyncLogisticsStatusResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SyncLogisticsStatus"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SyncLogisticsStatusRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SyncLogisticsStatusResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("SyncLogisticsStatus"))
              .build();
        }
      }
    }
    return getSyncLogisticsStatusMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetAlipayUrlRequest,
      nationalsite.ordersync.v1.GetAlipayUrlResponse> getGetAlipayUrlMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetAlipayUrl",
      requestType = nationalsite.ordersync.v1.GetAlipayUrlRequest.class,
      responseType = nationalsite.ordersync.v1.GetAlipayUrlResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetAlipayUrlRequest,
      nationalsite.ordersync.v1.GetAlipayUrlResponse> getGetAlipayUrlMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetAlipayUrlRequest, nationalsite.ordersync.v1.GetAlipayUrlResponse> getGetAlipayUrlMethod;
    if ((getGetAlipayUrlMethod = OrderSyncServiceGrpc.getGetAlipayUrlMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getGetAlipayUrlMethod = OrderSyncServiceGrpc.getGetAlipayUrlMethod) == null) {
          OrderSyncServiceGrpc.getGetAlipayUrlMethod = getGetAlipayUrlMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.GetAlipayUrlRequest, nationalsite.ordersync.v1.GetAlipayUrlResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetAlipayUrl"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.GetAlipayUrlRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.GetAlipayUrlResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("GetAlipayUrl"))
              .build();
        }
      }
    }
    return getGetAlipayUrlMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest,
      nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse> getGetCrossBorderPayUrlMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetCrossBorderPayUrl",
      requestType = nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest.class,
      responseType = nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest,
      nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse> getGetCrossBorderPayUrlMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest, nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse> getGetCrossBorderPayUrlMethod;
    if ((getGetCrossBorderPayUrlMethod = OrderSyncServiceGrpc.getGetCrossBorderPayUrlMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getGetCrossBorderPayUrlMethod = OrderSyncServiceGrpc.getGetCrossBorderPayUrlMethod) == null) {
          OrderSyncServiceGrpc.getGetCrossBorderPayUrlMethod = getGetCrossBorderPayUrlMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest, nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetCrossBorderPayUrl"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("GetCrossBorderPayUrl"))
              .build();
        }
      }
    }
    return getGetCrossBorderPayUrlMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetCreditPayUrlRequest,
      nationalsite.ordersync.v1.GetCreditPayUrlResponse> getGetCreditPayUrlMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetCreditPayUrl",
      requestType = nationalsite.ordersync.v1.GetCreditPayUrlRequest.class,
      responseType = nationalsite.ordersync.v1.GetCreditPayUrlResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetCreditPayUrlRequest,
      nationalsite.ordersync.v1.GetCreditPayUrlResponse> getGetCreditPayUrlMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetCreditPayUrlRequest, nationalsite.ordersync.v1.GetCreditPayUrlResponse> getGetCreditPayUrlMethod;
    if ((getGetCreditPayUrlMethod = OrderSyncServiceGrpc.getGetCreditPayUrlMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getGetCreditPayUrlMethod = OrderSyncServiceGrpc.getGetCreditPayUrlMethod) == null) {
          OrderSyncServiceGrpc.getGetCreditPayUrlMethod = getGetCreditPayUrlMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.GetCreditPayUrlRequest, nationalsite.ordersync.v1.GetCreditPayUrlResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetCreditPayUrl"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.GetCreditPayUrlRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.GetCreditPayUrlResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("GetCreditPayUrl"))
              .build();
        }
      }
    }
    return getGetCreditPayUrlMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListPayWaysRequest,
      nationalsite.ordersync.v1.ListPayWaysResponse> getListPayWaysMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListPayWays",
      requestType = nationalsite.ordersync.v1.ListPayWaysRequest.class,
      responseType = nationalsite.ordersync.v1.ListPayWaysResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListPayWaysRequest,
      nationalsite.ordersync.v1.ListPayWaysResponse> getListPayWaysMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListPayWaysRequest, nationalsite.ordersync.v1.ListPayWaysResponse> getListPayWaysMethod;
    if ((getListPayWaysMethod = OrderSyncServiceGrpc.getListPayWaysMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getListPayWaysMethod = OrderSyncServiceGrpc.getListPayWaysMethod) == null) {
          OrderSyncServiceGrpc.getListPayWaysMethod = getListPayWaysMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.ListPayWaysRequest, nationalsite.ordersync.v1.ListPayWaysResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListPayWays"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ListPayWaysRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ListPayWaysResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("ListPayWays"))
              .build();
        }
      }
    }
    return getListPayWaysMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListRefundReasonsRequest,
      nationalsite.ordersync.v1.ListRefundReasonsResponse> getListRefundReasonsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRefundReasons",
      requestType = nationalsite.ordersync.v1.ListRefundReasonsRequest.class,
      responseType = nationalsite.ordersync.v1.ListRefundReasonsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListRefundReasonsRequest,
      nationalsite.ordersync.v1.ListRefundReasonsResponse> getListRefundReasonsMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListRefundReasonsRequest, nationalsite.ordersync.v1.ListRefundReasonsResponse> getListRefundReasonsMethod;
    if ((getListRefundReasonsMethod = OrderSyncServiceGrpc.getListRefundReasonsMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getListRefundReasonsMethod = OrderSyncServiceGrpc.getListRefundReasonsMethod) == null) {
          OrderSyncServiceGrpc.getListRefundReasonsMethod = getListRefundReasonsMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.ListRefundReasonsRequest, nationalsite.ordersync.v1.ListRefundReasonsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRefundReasons"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ListRefundReasonsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ListRefundReasonsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("ListRefundReasons"))
              .build();
        }
      }
    }
    return getListRefundReasonsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.UploadRefundVoucherRequest,
      nationalsite.ordersync.v1.UploadRefundVoucherResponse> getUploadRefundVoucherMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UploadRefundVoucher",
      requestType = nationalsite.ordersync.v1.UploadRefundVoucherRequest.class,
      responseType = nationalsite.ordersync.v1.UploadRefundVoucherResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.UploadRefundVoucherRequest,
      nationalsite.ordersync.v1.UploadRefundVoucherResponse> getUploadRefundVoucherMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.UploadRefundVoucherRequest, nationalsite.ordersync.v1.UploadRefundVoucherResponse> getUploadRefundVoucherMethod;
    if ((getUploadRefundVoucherMethod = OrderSyncServiceGrpc.getUploadRefundVoucherMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getUploadRefundVoucherMethod = OrderSyncServiceGrpc.getUploadRefundVoucherMethod) == null) {
          OrderSyncServiceGrpc.getUploadRefundVoucherMethod = getUploadRefundVoucherMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.UploadRefundVoucherRequest, nationalsite.ordersync.v1.UploadRefundVoucherResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UploadRefundVoucher"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.UploadRefundVoucherRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.UploadRefundVoucherResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("UploadRefundVoucher"))
              .build();
        }
      }
    }
    return getUploadRefundVoucherMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.CreateRefundRequest,
      nationalsite.ordersync.v1.CreateRefundResponse> getCreateRefundMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateRefund",
      requestType = nationalsite.ordersync.v1.CreateRefundRequest.class,
      responseType = nationalsite.ordersync.v1.CreateRefundResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.CreateRefundRequest,
      nationalsite.ordersync.v1.CreateRefundResponse> getCreateRefundMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.CreateRefundRequest, nationalsite.ordersync.v1.CreateRefundResponse> getCreateRefundMethod;
    if ((getCreateRefundMethod = OrderSyncServiceGrpc.getCreateRefundMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getCreateRefundMethod = OrderSyncServiceGrpc.getCreateRefundMethod) == null) {
          OrderSyncServiceGrpc.getCreateRefundMethod = getCreateRefundMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.CreateRefundRequest, nationalsite.ordersync.v1.CreateRefundResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateRefund"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.CreateRefundRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.CreateRefundResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("CreateRefund"))
              .build();
        }
      }
    }
    return getCreateRefundMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SubmitReturnGoodsRequest,
      nationalsite.ordersync.v1.SubmitReturnGoodsResponse> getSubmitReturnGoodsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SubmitReturnGoods",
      requestType = nationalsite.ordersync.v1.SubmitReturnGoodsRequest.class,
      responseType = nationalsite.ordersync.v1.SubmitReturnGoodsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SubmitReturnGoodsRequest,
      nationalsite.ordersync.v1.SubmitReturnGoodsResponse> getSubmitReturnGoodsMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SubmitReturnGoodsRequest, nationalsite.ordersync.v1.SubmitReturnGoodsResponse> getSubmitReturnGoodsMethod;
    if ((getSubmitReturnGoodsMethod = OrderSyncServiceGrpc.getSubmitReturnGoodsMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getSubmitReturnGoodsMethod = OrderSyncServiceGrpc.getSubmitReturnGoodsMethod) == null) {
          OrderSyncServiceGrpc.getSubmitReturnGoodsMethod = getSubmitReturnGoodsMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.SubmitReturnGoodsRequest, nationalsite.ordersync.v1.SubmitReturnGoodsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SubmitReturnGoods"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SubmitReturnGoodsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SubmitReturnGoodsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("SubmitReturnGoods"))
              .build();
        }
      }
    }
    return getSubmitReturnGoodsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.EnqueueSyncRequest,
      nationalsite.ordersync.v1.EnqueueSyncResponse> getEnqueueSyncMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "EnqueueSync",
      requestType = nationalsite.ordersync.v1.EnqueueSyncRequest.class,
      responseType = nationalsite.ordersync.v1.EnqueueSyncResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.EnqueueSyncRequest,
      nationalsite.ordersync.v1.EnqueueSyncResponse> getEnqueueSyncMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.EnqueueSyncRequest, nationalsite.ordersync.v1.EnqueueSyncResponse> getEnqueueSyncMethod;
    if ((getEnqueueSyncMethod = OrderSyncServiceGrpc.getEnqueueSyncMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getEnqueueSyncMethod = OrderSyncServiceGrpc.getEnqueueSyncMethod) == null) {
          OrderSyncServiceGrpc.getEnqueueSyncMethod = getEnqueueSyncMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.EnqueueSyncRequest, nationalsite.ordersync.v1.EnqueueSyncResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "EnqueueSync"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.EnqueueSyncRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.EnqueueSyncResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("EnqueueSync"))
              .build();
        }
      }
    }
    return getEnqueueSyncMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetDeliveryRequest,
      nationalsite.ordersync.v1.GetDeliveryResponse> getGetDeliveryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetDelivery",
      requestType = nationalsite.ordersync.v1.GetDeliveryRequest.class,
      responseType = nationalsite.ordersync.v1.GetDeliveryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetDeliveryRequest,
      nationalsite.ordersync.v1.GetDeliveryResponse> getGetDeliveryMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.GetDeliveryRequest, nationalsite.ordersync.v1.GetDeliveryResponse> getGetDeliveryMethod;
    if ((getGetDeliveryMethod = OrderSyncServiceGrpc.getGetDeliveryMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getGetDeliveryMethod = OrderSyncServiceGrpc.getGetDeliveryMethod) == null) {
          OrderSyncServiceGrpc.getGetDeliveryMethod = getGetDeliveryMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.GetDeliveryRequest, nationalsite.ordersync.v1.GetDeliveryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetDelivery"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.GetDeliveryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.GetDeliveryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("GetDelivery"))
              .build();
        }
      }
    }
    return getGetDeliveryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListDeliveriesRequest,
      nationalsite.ordersync.v1.ListDeliveriesResponse> getListDeliveriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDeliveries",
      requestType = nationalsite.ordersync.v1.ListDeliveriesRequest.class,
      responseType = nationalsite.ordersync.v1.ListDeliveriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListDeliveriesRequest,
      nationalsite.ordersync.v1.ListDeliveriesResponse> getListDeliveriesMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListDeliveriesRequest, nationalsite.ordersync.v1.ListDeliveriesResponse> getListDeliveriesMethod;
    if ((getListDeliveriesMethod = OrderSyncServiceGrpc.getListDeliveriesMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getListDeliveriesMethod = OrderSyncServiceGrpc.getListDeliveriesMethod) == null) {
          OrderSyncServiceGrpc.getListDeliveriesMethod = getListDeliveriesMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.ListDeliveriesRequest, nationalsite.ordersync.v1.ListDeliveriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDeliveries"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ListDeliveriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ListDeliveriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("ListDeliveries"))
              .build();
        }
      }
    }
    return getListDeliveriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.RetryDeliveryRequest,
      nationalsite.ordersync.v1.RetryDeliveryResponse> getRetryDeliveryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RetryDelivery",
      requestType = nationalsite.ordersync.v1.RetryDeliveryRequest.class,
      responseType = nationalsite.ordersync.v1.RetryDeliveryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.RetryDeliveryRequest,
      nationalsite.ordersync.v1.RetryDeliveryResponse> getRetryDeliveryMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.RetryDeliveryRequest, nationalsite.ordersync.v1.RetryDeliveryResponse> getRetryDeliveryMethod;
    if ((getRetryDeliveryMethod = OrderSyncServiceGrpc.getRetryDeliveryMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getRetryDeliveryMethod = OrderSyncServiceGrpc.getRetryDeliveryMethod) == null) {
          OrderSyncServiceGrpc.getRetryDeliveryMethod = getRetryDeliveryMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.RetryDeliveryRequest, nationalsite.ordersync.v1.RetryDeliveryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RetryDelivery"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.RetryDeliveryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.RetryDeliveryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("RetryDelivery"))
              .build();
        }
      }
    }
    return getRetryDeliveryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.CancelDeliveryRequest,
      nationalsite.ordersync.v1.CancelDeliveryResponse> getCancelDeliveryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelDelivery",
      requestType = nationalsite.ordersync.v1.CancelDeliveryRequest.class,
      responseType = nationalsite.ordersync.v1.CancelDeliveryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.CancelDeliveryRequest,
      nationalsite.ordersync.v1.CancelDeliveryResponse> getCancelDeliveryMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.CancelDeliveryRequest, nationalsite.ordersync.v1.CancelDeliveryResponse> getCancelDeliveryMethod;
    if ((getCancelDeliveryMethod = OrderSyncServiceGrpc.getCancelDeliveryMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getCancelDeliveryMethod = OrderSyncServiceGrpc.getCancelDeliveryMethod) == null) {
          OrderSyncServiceGrpc.getCancelDeliveryMethod = getCancelDeliveryMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.CancelDeliveryRequest, nationalsite.ordersync.v1.CancelDeliveryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelDelivery"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.CancelDeliveryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.CancelDeliveryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("CancelDelivery"))
              .build();
        }
      }
    }
    return getCancelDeliveryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.StreamMessagesRequest,
      nationalsite.ordersync.v1.StreamMessagesResponse> getStreamMessagesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StreamMessages",
      requestType = nationalsite.ordersync.v1.StreamMessagesRequest.class,
      responseType = nationalsite.ordersync.v1.StreamMessagesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.StreamMessagesRequest,
      nationalsite.ordersync.v1.StreamMessagesResponse> getStreamMessagesMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.StreamMessagesRequest, nationalsite.ordersync.v1.StreamMessagesResponse> getStreamMessagesMethod;
    if ((getStreamMessagesMethod = OrderSyncServiceGrpc.getStreamMessagesMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getStreamMessagesMethod = OrderSyncServiceGrpc.getStreamMessagesMethod) == null) {
          OrderSyncServiceGrpc.getStreamMessagesMethod = getStreamMessagesMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.StreamMessagesRequest, nationalsite.ordersync.v1.StreamMessagesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StreamMessages"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.StreamMessagesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.StreamMessagesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("StreamMessages"))
              .build();
        }
      }
    }
    return getStreamMessagesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.PullMessagesRequest,
      nationalsite.ordersync.v1.PullMessagesResponse> getPullMessagesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PullMessages",
      requestType = nationalsite.ordersync.v1.PullMessagesRequest.class,
      responseType = nationalsite.ordersync.v1.PullMessagesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.PullMessagesRequest,
      nationalsite.ordersync.v1.PullMessagesResponse> getPullMessagesMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.PullMessagesRequest, nationalsite.ordersync.v1.PullMessagesResponse> getPullMessagesMethod;
    if ((getPullMessagesMethod = OrderSyncServiceGrpc.getPullMessagesMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getPullMessagesMethod = OrderSyncServiceGrpc.getPullMessagesMethod) == null) {
          OrderSyncServiceGrpc.getPullMessagesMethod = getPullMessagesMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.PullMessagesRequest, nationalsite.ordersync.v1.PullMessagesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PullMessages"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.PullMessagesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.PullMessagesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("PullMessages"))
              .build();
        }
      }
    }
    return getPullMessagesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.AckMessagesRequest,
      nationalsite.ordersync.v1.AckMessagesResponse> getAckMessagesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AckMessages",
      requestType = nationalsite.ordersync.v1.AckMessagesRequest.class,
      responseType = nationalsite.ordersync.v1.AckMessagesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.AckMessagesRequest,
      nationalsite.ordersync.v1.AckMessagesResponse> getAckMessagesMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.AckMessagesRequest, nationalsite.ordersync.v1.AckMessagesResponse> getAckMessagesMethod;
    if ((getAckMessagesMethod = OrderSyncServiceGrpc.getAckMessagesMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getAckMessagesMethod = OrderSyncServiceGrpc.getAckMessagesMethod) == null) {
          OrderSyncServiceGrpc.getAckMessagesMethod = getAckMessagesMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.AckMessagesRequest, nationalsite.ordersync.v1.AckMessagesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AckMessages"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.AckMessagesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.AckMessagesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("AckMessages"))
              .build();
        }
      }
    }
    return getAckMessagesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SetMessageLeaseRequest,
      nationalsite.ordersync.v1.SetMessageLeaseResponse> getSetMessageLeaseMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetMessageLease",
      requestType = nationalsite.ordersync.v1.SetMessageLeaseRequest.class,
      responseType = nationalsite.ordersync.v1.SetMessageLeaseResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SetMessageLeaseRequest,
      nationalsite.ordersync.v1.SetMessageLeaseResponse> getSetMessageLeaseMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.SetMessageLeaseRequest, nationalsite.ordersync.v1.SetMessageLeaseResponse> getSetMessageLeaseMethod;
    if ((getSetMessageLeaseMethod = OrderSyncServiceGrpc.getSetMessageLeaseMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getSetMessageLeaseMethod = OrderSyncServiceGrpc.getSetMessageLeaseMethod) == null) {
          OrderSyncServiceGrpc.getSetMessageLeaseMethod = getSetMessageLeaseMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.SetMessageLeaseRequest, nationalsite.ordersync.v1.SetMessageLeaseResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetMessageLease"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SetMessageLeaseRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.SetMessageLeaseResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("SetMessageLease"))
              .build();
        }
      }
    }
    return getSetMessageLeaseMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListSubscriptionsRequest,
      nationalsite.ordersync.v1.ListSubscriptionsResponse> getListSubscriptionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListSubscriptions",
      requestType = nationalsite.ordersync.v1.ListSubscriptionsRequest.class,
      responseType = nationalsite.ordersync.v1.ListSubscriptionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListSubscriptionsRequest,
      nationalsite.ordersync.v1.ListSubscriptionsResponse> getListSubscriptionsMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListSubscriptionsRequest, nationalsite.ordersync.v1.ListSubscriptionsResponse> getListSubscriptionsMethod;
    if ((getListSubscriptionsMethod = OrderSyncServiceGrpc.getListSubscriptionsMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getListSubscriptionsMethod = OrderSyncServiceGrpc.getListSubscriptionsMethod) == null) {
          OrderSyncServiceGrpc.getListSubscriptionsMethod = getListSubscriptionsMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.ListSubscriptionsRequest, nationalsite.ordersync.v1.ListSubscriptionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListSubscriptions"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ListSubscriptionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ListSubscriptionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("ListSubscriptions"))
              .build();
        }
      }
    }
    return getListSubscriptionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.DeleteSubscriptionRequest,
      nationalsite.ordersync.v1.DeleteSubscriptionResponse> getDeleteSubscriptionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteSubscription",
      requestType = nationalsite.ordersync.v1.DeleteSubscriptionRequest.class,
      responseType = nationalsite.ordersync.v1.DeleteSubscriptionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.DeleteSubscriptionRequest,
      nationalsite.ordersync.v1.DeleteSubscriptionResponse> getDeleteSubscriptionMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.DeleteSubscriptionRequest, nationalsite.ordersync.v1.DeleteSubscriptionResponse> getDeleteSubscriptionMethod;
    if ((getDeleteSubscriptionMethod = OrderSyncServiceGrpc.getDeleteSubscriptionMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getDeleteSubscriptionMethod = OrderSyncServiceGrpc.getDeleteSubscriptionMethod) == null) {
          OrderSyncServiceGrpc.getDeleteSubscriptionMethod = getDeleteSubscriptionMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.DeleteSubscriptionRequest, nationalsite.ordersync.v1.DeleteSubscriptionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteSubscription"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.DeleteSubscriptionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.DeleteSubscriptionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("DeleteSubscription"))
              .build();
        }
      }
    }
    return getDeleteSubscriptionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListDeadMessagesRequest,
      nationalsite.ordersync.v1.ListDeadMessagesResponse> getListDeadMessagesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDeadMessages",
      requestType = nationalsite.ordersync.v1.ListDeadMessagesRequest.class,
      responseType = nationalsite.ordersync.v1.ListDeadMessagesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListDeadMessagesRequest,
      nationalsite.ordersync.v1.ListDeadMessagesResponse> getListDeadMessagesMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ListDeadMessagesRequest, nationalsite.ordersync.v1.ListDeadMessagesResponse> getListDeadMessagesMethod;
    if ((getListDeadMessagesMethod = OrderSyncServiceGrpc.getListDeadMessagesMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getListDeadMessagesMethod = OrderSyncServiceGrpc.getListDeadMessagesMethod) == null) {
          OrderSyncServiceGrpc.getListDeadMessagesMethod = getListDeadMessagesMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.ListDeadMessagesRequest, nationalsite.ordersync.v1.ListDeadMessagesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDeadMessages"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ListDeadMessagesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ListDeadMessagesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("ListDeadMessages"))
              .build();
        }
      }
    }
    return getListDeadMessagesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.RequeueMessagesRequest,
      nationalsite.ordersync.v1.RequeueMessagesResponse> getRequeueMessagesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RequeueMessages",
      requestType = nationalsite.ordersync.v1.RequeueMessagesRequest.class,
      responseType = nationalsite.ordersync.v1.RequeueMessagesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.RequeueMessagesRequest,
      nationalsite.ordersync.v1.RequeueMessagesResponse> getRequeueMessagesMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.RequeueMessagesRequest, nationalsite.ordersync.v1.RequeueMessagesResponse> getRequeueMessagesMethod;
    if ((getRequeueMessagesMethod = OrderSyncServiceGrpc.getRequeueMessagesMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getRequeueMessagesMethod = OrderSyncServiceGrpc.getRequeueMessagesMethod) == null) {
          OrderSyncServiceGrpc.getRequeueMessagesMethod = getRequeueMessagesMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.RequeueMessagesRequest, nationalsite.ordersync.v1.RequeueMessagesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RequeueMessages"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.RequeueMessagesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.RequeueMessagesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("RequeueMessages"))
              .build();
        }
      }
    }
    return getRequeueMessagesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ReplayMessagesRequest,
      nationalsite.ordersync.v1.ReplayMessagesResponse> getReplayMessagesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReplayMessages",
      requestType = nationalsite.ordersync.v1.ReplayMessagesRequest.class,
      responseType = nationalsite.ordersync.v1.ReplayMessagesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ReplayMessagesRequest,
      nationalsite.ordersync.v1.ReplayMessagesResponse> getReplayMessagesMethod() {
    io.grpc.MethodDescriptor<nationalsite.ordersync.v1.ReplayMessagesRequest, nationalsite.ordersync.v1.ReplayMessagesResponse> getReplayMessagesMethod;
    if ((getReplayMessagesMethod = OrderSyncServiceGrpc.getReplayMessagesMethod) == null) {
      synchronized (OrderSyncServiceGrpc.class) {
        if ((getReplayMessagesMethod = OrderSyncServiceGrpc.getReplayMessagesMethod) == null) {
          OrderSyncServiceGrpc.getReplayMessagesMethod = getReplayMessagesMethod =
              io.grpc.MethodDescriptor.<nationalsite.ordersync.v1.ReplayMessagesRequest, nationalsite.ordersync.v1.ReplayMessagesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReplayMessages"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ReplayMessagesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  nationalsite.ordersync.v1.ReplayMessagesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderSyncServiceMethodDescriptorSupplier("ReplayMessages"))
              .build();
        }
      }
    }
    return getReplayMessagesMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static OrderSyncServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OrderSyncServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OrderSyncServiceStub>() {
        @java.lang.Override
        public OrderSyncServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OrderSyncServiceStub(channel, callOptions);
        }
      };
    return OrderSyncServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static OrderSyncServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OrderSyncServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OrderSyncServiceBlockingV2Stub>() {
        @java.lang.Override
        public OrderSyncServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OrderSyncServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return OrderSyncServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static OrderSyncServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OrderSyncServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OrderSyncServiceBlockingStub>() {
        @java.lang.Override
        public OrderSyncServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OrderSyncServiceBlockingStub(channel, callOptions);
        }
      };
    return OrderSyncServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static OrderSyncServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OrderSyncServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OrderSyncServiceFutureStub>() {
        @java.lang.Override
        public OrderSyncServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OrderSyncServiceFutureStub(channel, callOptions);
        }
      };
    return OrderSyncServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Tells 1688 of downstream orders, at once or through a durable delivery;
   * pays and refunds purchase orders; hands out the messages that 1688 pushes.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * GetAlipayUrl, CreateRefund and SubmitReturnGoods are not repeated by the
   * suite once they may have reached 1688: where their outcome is not known,
   * they end in OUTCOME_UNKNOWN (UNKNOWN, pushback -1) instead of
   * UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE, UPSTREAM_FAULT and DEADLINE,
   * which then say that nothing was sent.
   * A call with a `request_id` can also end in REQUEST_ID_REUSED (the id was
   * used with other content), REQUEST_IN_PROGRESS (the first call still runs) and
   * STORE_UNAVAILABLE. Its id is remembered for its caller and RPC. A repeat of
   * one of the three RPCs above whose first call had an unknown outcome is
   * OUTCOME_UNKNOWN, and nothing is sent; any other is sent again.
   * A sync that is called directly while a delivery of the same ordering key is
   * pending would overtake it: DELIVERY_PENDING.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Tells 1688 of a downstream order, or of what has changed in it (1688:
     * trade.cross.orderSync).
     * Needs the order's id; open-platform needs more, field by field. OK means
     * that 1688 accepted it. That a repeat with the same id replaces what was
     * told before is likely and not documented; the suite relies on it.
     * Errors: the service's common ones, REQUIRED_IN_DIALECT (open-platform),
     * DELIVERY_PENDING, STORE_UNAVAILABLE, and INVALID_REQUEST also for an id
     * that is not a number where national-site needs one.
     * </pre>
     */
    default void syncOrder(nationalsite.ordersync.v1.SyncOrderRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSyncOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells 1688 which purchase orders serve which downstream orders (1688:
     * order.relation.write).
     * national-site takes the list in one call, and its one verdict stands in
     * every result. open-platform takes one relation a call: the suite sends
     * them one by one, a few at a time, and one that fails stops no other.
     * OK once a relation has reached 1688's operation: look into each result.
     * There, a relation that was not sent has UPSTREAM_UNAVAILABLE, DEADLINE or
     * what the gateway refused it with, one that was sent and whose outcome is
     * not known OUTCOME_UNKNOWN; to send either again does no harm, as far as
     * SyncOrder's assumption holds here too. The call itself fails where no
     * relation reached the operation, with the first one's error, and where the
     * replica shuts down meanwhile (DRAINING).
     * Errors: the service's common ones, REQUIRED_IN_DIALECT (open-platform),
     * DELIVERY_PENDING, STORE_UNAVAILABLE, and INVALID_REQUEST also for a
     * downstream id that is not a number where national-site needs one; these
     * before anything is sent.
     * </pre>
     */
    default void writeOrderRelations(nationalsite.ordersync.v1.WriteOrderRelationsRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.WriteOrderRelationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWriteOrderRelationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells 1688 of a downstream order's new status (1688:
     * trade.cross.orderStatusSync, a name by analogy: none is documented; the
     * suite's settings can give another).
     * Needs the order's id and a status. open-platform has no such operation:
     * there the suite sends the last full order that was synced through it, with
     * the new status in it. A sub-order's own `pay_status` and `end_time` have no
     * place there.
     * Errors: the service's common ones, DELIVERY_PENDING, STORE_UNAVAILABLE,
     * INVALID_REQUEST also for an id that is not a number (national-site) and for
     * a sub-order that the last full order does not have (open-platform), and
     * NO_FULL_SYNC (open-platform: none was synced, or it is kept no more).
     * </pre>
     */
    default void syncOrderStatus(nationalsite.ordersync.v1.SyncOrderStatusRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncOrderStatusResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSyncOrderStatusMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells 1688 of the parcel that brings a downstream order to its buyer
     * (1688: trade.cross.logisticsOrderSync).
     * Needs the ids of order and parcel; open-platform needs more, field by
     * field. Repeats and OK are as in SyncOrder.
     * Errors: those of SyncOrder.
     * </pre>
     */
    default void syncLogisticsOrder(nationalsite.ordersync.v1.SyncLogisticsOrderRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncLogisticsOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSyncLogisticsOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells 1688 of a parcel's new status (1688: trade.cross.logisticsStatusSync,
     * a name by analogy: none is documented; the suite's settings can give
     * another).
     * Needs the parcel's id and a status. open-platform: as SyncOrderStatus, by
     * the last full parcel; `modified_time` is sent as its end time unless it is
     * only on its way.
     * Errors: those of SyncOrderStatus.
     * </pre>
     */
    default void syncLogisticsStatus(nationalsite.ordersync.v1.SyncLogisticsStatusRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncLogisticsStatusResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSyncLogisticsStatusMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid by Alipay (1688:
     * alibaba.alipay.url.get).
     * Needs 1 to 100 purchase orders that wait for payment; up to 30 where they
     * are to be paid by Kuajingbao. Whoever opens the link must be logged in to
     * 1688. Where only some of the orders can be paid, the call succeeds and
     * lists the others. 1688 may deduct stock in this call, so it is not
     * repeated.
     * Errors: the service's common ones, OUTCOME_UNKNOWN, and UPSTREAM_STATE (an
     * invitation order without a receiver cannot be combined with others; stock
     * cannot be deducted).
     * </pre>
     */
    default void getAlipayUrl(nationalsite.ordersync.v1.GetAlipayUrlRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetAlipayUrlResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetAlipayUrlMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid by Kuajingbao, 1688's
     * cross-border account (1688: alibaba.crossBorderPay.url.get).
     * Needs 1 to 30 purchase orders that wait for payment; 1688 advises at most
     * 10, since more take long. Where only some of the orders can be paid, the
     * call succeeds and lists the others.
     * Errors: the service's common ones, and UPSTREAM_STATE (none of the orders
     * can be paid by Kuajingbao). 1688 prints a code 400_1 without a meaning:
     * UPSTREAM_REFUSED.
     * </pre>
     */
    default void getCrossBorderPayUrl(nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetCrossBorderPayUrlMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid on credit (1688:
     * alibaba.creditPay.url.get).
     * Needs 1 to 30 purchase orders that wait for payment; 1688 advises at most
     * 10, since more take long. Where only some of the orders can be paid, the
     * call succeeds and lists the others.
     * Errors: the service's common ones. 1688 prints one code, 400_1, without a
     * meaning: UPSTREAM_REFUSED.
     * </pre>
     */
    default void getCreditPayUrl(nationalsite.ordersync.v1.GetCreditPayUrlRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetCreditPayUrlResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetCreditPayUrlMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the ways in which a purchase order can be paid (1688:
     * alibaba.trade.payWay.query).
     * Needs a purchase order of the account whose token the suite uses.
     * Errors: the service's common ones, and UPSTREAM_NOT_OWNED. 1688 prints a
     * code 500_1 without a meaning: UPSTREAM_REFUSED.
     * </pre>
     */
    default void listPayWays(nationalsite.ordersync.v1.ListPayWaysRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListPayWaysResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListPayWaysMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the reasons that a refund can be asked for with (1688:
     * alibaba.trade.getRefundReasonList).
     * Needs a purchase order, its sub-orders and where the goods are. Reasons
     * depend on all of these: ask anew for every refund.
     * Errors: the service's common ones; UPSTREAM_ARGUMENT also for 1688's codes
     * 5xxx, which are the caller's faults here, UPSTREAM_FAULT for its codes
     * 4xxx, which are its own.
     * </pre>
     */
    default void listRefundReasons(nationalsite.ordersync.v1.ListRefundReasonsRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListRefundReasonsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRefundReasonsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Uploads a picture that proves why a refund is asked for (1688:
     * alibaba.trade.uploadRefundVoucher).
     * Needs a JPEG below 1 MiB. A repeat does no harm: it yields another
     * address of the same picture.
     * Errors: the service's common ones. 1688's one code, 4000, is the caller's
     * fault where its text names imageData (UPSTREAM_ARGUMENT); else, since the
     * picture was checked here, 1688's own (UPSTREAM_FAULT).
     * </pre>
     */
    default void uploadRefundVoucher(nationalsite.ordersync.v1.UploadRefundVoucherRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.UploadRefundVoucherResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUploadRefundVoucherMethod(), responseObserver);
    }

    /**
     * <pre>
     * Asks for a refund, with or without a return of the goods (1688:
     * alibaba.trade.createRefund).
     * Needs everything that is not marked optional. 1688 answers a second
     * request for the same goods as it does a wrong state, so the suite never
     * repeats a call that may have reached it.
     * Errors: the service's common ones, OUTCOME_UNKNOWN (also for 1688's codes
     * 4xxx, its own faults here), ORDER_NOT_FOUND (5001), UPSTREAM_NOT_OWNED
     * (5002), UPSTREAM_STATE (5010: state of order or goods, or asked for
     * before), and UPSTREAM_ARGUMENT also for the state of the goods (5003), the
     * reason (5004), a proof that the reason needs (5005), freight that it does
     * not give back (5006), the amount (5011), the description (5012) and the
     * numbers of pieces (5013). Its code 5100 stands for anything else:
     * UPSTREAM_REFUSED.
     * </pre>
     */
    default void createRefund(nationalsite.ordersync.v1.CreateRefundRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.CreateRefundResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateRefundMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells 1688 that the goods of a refund are on their way back to the seller
     * (1688: alibaba.trade.refund.returnGoods).
     * Needs a refund that the seller has agreed to with a return, and the
     * parcel. OK means that 1688 took it. It is not repeated once it may have
     * reached 1688.
     * Errors: the service's common ones, OUTCOME_UNKNOWN (also for 1688's codes
     * 5xxx, its own faults here, and for 4004 where it could not check the
     * parcel), UPSTREAM_CREDENTIAL also for 4001, UPSTREAM_ARGUMENT also for a
     * missing parcel (4002), the vouchers (4003), a parcel that does not fit its
     * company (4004) and a malformed refund id (4008), REFUND_NOT_FOUND (4005),
     * UPSTREAM_NOT_OWNED (4006), and UPSTREAM_STATE (4007: the refund does not
     * wait for a return).
     * </pre>
     */
    default void submitReturnGoods(nationalsite.ordersync.v1.SubmitReturnGoodsRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SubmitReturnGoodsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSubmitReturnGoodsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Takes a sync on to deliver it, through outages of 1688 and of this
     * service.
     * Needs a request id and one of the five syncs, without a request id of its
     * own. What the dialect needs or cannot carry is refused now; then the sync
     * is stored, and the answer is its delivery. Deliveries of one ordering key
     * are sent one at a time, in the order in which they were enqueued, those of
     * different keys beside each other. One that fails is sent again, later and
     * later, until 1688 accepts it, refuses it in a way that repeating cannot
     * cure, or it has grown too old: the last two make it DEAD, and the next one
     * of its key goes. 1688 may receive a sync more than once.
     * A repeat with the same request id and content answers with the same
     * delivery, as it stands then.
     * Errors: INVALID_REQUEST, REQUIRED_IN_DIALECT (both by paths such as
     * sync_order.order.order_id), REQUEST_ID_REUSED, STORE_UNAVAILABLE,
     * DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    default void enqueueSync(nationalsite.ordersync.v1.EnqueueSyncRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.EnqueueSyncResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getEnqueueSyncMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads a delivery. A finished one is kept for 30 days.
     * Errors: DELIVERY_NOT_FOUND, INVALID_REQUEST, STORE_UNAVAILABLE, DEADLINE,
     * DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    default void getDelivery(nationalsite.ordersync.v1.GetDeliveryRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetDeliveryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetDeliveryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists deliveries, those enqueued last first.
     * Errors: those of GetDelivery but DELIVERY_NOT_FOUND.
     * </pre>
     */
    default void listDeliveries(nationalsite.ordersync.v1.ListDeliveriesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListDeliveriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDeliveriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes a dead delivery pending again, in its old place. A pending one stays
     * as it is.
     * Errors: those of GetDelivery, DELIVERY_STATE (delivered or cancelled), and
     * DELIVERY_OVERTAKEN (a later one of its key has been sent: enqueue what is
     * true now instead).
     * </pre>
     */
    default void retryDelivery(nationalsite.ordersync.v1.RetryDeliveryRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.RetryDeliveryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRetryDeliveryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Cancels a pending delivery. A cancelled one stays as it is. What was sent
     * before, without success, 1688 may still have taken.
     * Errors: those of GetDelivery, and DELIVERY_STATE (finished otherwise, or
     * being sent just now).
     * </pre>
     */
    default void cancelDelivery(nationalsite.ordersync.v1.CancelDeliveryRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.CancelDeliveryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelDeliveryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Hands out 1688's messages, as they come.
     * The first request opens the stream: it names the subscription. Then
     * messages come, each under a lease, never more of them at once than
     * `max_outstanding`; acknowledge them (`ack`) to get others. One whose lease
     * ends without an acknowledgement is handed out again, to this stream or to
     * another consumer of the subscription; after 10 times it is dead. Consumers
     * of one subscription share its messages; each subscription gets every
     * message of its topics at least once. Messages of one 1688 order that are
     * there come by their time, one after the other: the next one when the one
     * before was acknowledged. When the stream ends, however that is, what was
     * not acknowledged is free for other consumers at once.
     * Errors: INVALID_REQUEST (also where the first request does not open the
     * stream, or a later one does), SUBSCRIPTION_MISMATCH,
     * SUBSCRIPTION_NOT_FOUND (it was deleted meanwhile), STORE_UNAVAILABLE,
     * OVERLOADED (the caller has too many subscriptions), DEADLINE, DRAINING,
     * INTERNAL_FAULT. Open a new stream after any of the transient ones.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.StreamMessagesRequest> streamMessages(
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.StreamMessagesResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getStreamMessagesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Hands out some of 1688's messages: what StreamMessages does, for callers
     * that rather ask. Waits while there are none.
     * The answer has no messages where none came in time. Acknowledge them by
     * AckMessages before their leases end. An answer that gets lost holds them
     * back for no longer than that.
     * Errors: INVALID_REQUEST, SUBSCRIPTION_MISMATCH, SUBSCRIPTION_NOT_FOUND (it
     * was deleted meanwhile), STORE_UNAVAILABLE, OVERLOADED (the caller has too
     * many subscriptions), DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    default void pullMessages(nationalsite.ordersync.v1.PullMessagesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.PullMessagesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPullMessagesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Acknowledges messages: they are not handed out to this subscription again.
     * What is acknowledged already or not known is passed over.
     * Errors: INVALID_REQUEST, SUBSCRIPTION_NOT_FOUND, STORE_UNAVAILABLE,
     * DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    default void ackMessages(nationalsite.ordersync.v1.AckMessagesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.AckMessagesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAckMessagesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lets the leases of messages end at another time: later, while they are
     * worked on, or at once, which gives them back. A lease that has ended stays
     * ended; what is not known is passed over.
     * Errors: those of AckMessages.
     * </pre>
     */
    default void setMessageLease(nationalsite.ordersync.v1.SetMessageLeaseRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SetMessageLeaseResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetMessageLeaseMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the caller's subscriptions and how far behind they are.
     * Errors: STORE_UNAVAILABLE, DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    default void listSubscriptions(nationalsite.ordersync.v1.ListSubscriptionsRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListSubscriptionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListSubscriptionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a subscription of the caller's with all that waits for it. A later
     * use of its name makes a new one.
     * Errors: those of AckMessages.
     * </pre>
     */
    default void deleteSubscription(nationalsite.ordersync.v1.DeleteSubscriptionRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.DeleteSubscriptionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteSubscriptionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the messages of a subscription that were handed out too often, those
     * stored last first.
     * Errors: those of AckMessages.
     * </pre>
     */
    default void listDeadMessages(nationalsite.ordersync.v1.ListDeadMessagesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListDeadMessagesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDeadMessagesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Hands dead messages out again, as if for the first time. What is not dead
     * is passed over.
     * Errors: those of AckMessages.
     * </pre>
     */
    default void requeueMessages(nationalsite.ordersync.v1.RequeueMessagesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.RequeueMessagesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRequeueMessagesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Asks 1688 now for the messages that it could not push, as the service does
     * by itself every few minutes: stores them, then confirms them to 1688. 1688
     * keeps them for about 7 days.
     * Answers when there are no more. Where it ends early, by an error or the
     * deadline, what was stored stays stored, and the rest comes with the next
     * replay. While another replay runs, anywhere, the answer is OVERLOADED.
     * Errors: the service's common ones, and STORE_UNAVAILABLE.
     * </pre>
     */
    default void replayMessages(nationalsite.ordersync.v1.ReplayMessagesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ReplayMessagesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReplayMessagesMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service OrderSyncService.
   * <pre>
   * Tells 1688 of downstream orders, at once or through a durable delivery;
   * pays and refunds purchase orders; hands out the messages that 1688 pushes.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * GetAlipayUrl, CreateRefund and SubmitReturnGoods are not repeated by the
   * suite once they may have reached 1688: where their outcome is not known,
   * they end in OUTCOME_UNKNOWN (UNKNOWN, pushback -1) instead of
   * UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE, UPSTREAM_FAULT and DEADLINE,
   * which then say that nothing was sent.
   * A call with a `request_id` can also end in REQUEST_ID_REUSED (the id was
   * used with other content), REQUEST_IN_PROGRESS (the first call still runs) and
   * STORE_UNAVAILABLE. Its id is remembered for its caller and RPC. A repeat of
   * one of the three RPCs above whose first call had an unknown outcome is
   * OUTCOME_UNKNOWN, and nothing is sent; any other is sent again.
   * A sync that is called directly while a delivery of the same ordering key is
   * pending would overtake it: DELIVERY_PENDING.
   * </pre>
   */
  public static abstract class OrderSyncServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return OrderSyncServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service OrderSyncService.
   * <pre>
   * Tells 1688 of downstream orders, at once or through a durable delivery;
   * pays and refunds purchase orders; hands out the messages that 1688 pushes.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * GetAlipayUrl, CreateRefund and SubmitReturnGoods are not repeated by the
   * suite once they may have reached 1688: where their outcome is not known,
   * they end in OUTCOME_UNKNOWN (UNKNOWN, pushback -1) instead of
   * UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE, UPSTREAM_FAULT and DEADLINE,
   * which then say that nothing was sent.
   * A call with a `request_id` can also end in REQUEST_ID_REUSED (the id was
   * used with other content), REQUEST_IN_PROGRESS (the first call still runs) and
   * STORE_UNAVAILABLE. Its id is remembered for its caller and RPC. A repeat of
   * one of the three RPCs above whose first call had an unknown outcome is
   * OUTCOME_UNKNOWN, and nothing is sent; any other is sent again.
   * A sync that is called directly while a delivery of the same ordering key is
   * pending would overtake it: DELIVERY_PENDING.
   * </pre>
   */
  public static final class OrderSyncServiceStub
      extends io.grpc.stub.AbstractAsyncStub<OrderSyncServiceStub> {
    private OrderSyncServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OrderSyncServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OrderSyncServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Tells 1688 of a downstream order, or of what has changed in it (1688:
     * trade.cross.orderSync).
     * Needs the order's id; open-platform needs more, field by field. OK means
     * that 1688 accepted it. That a repeat with the same id replaces what was
     * told before is likely and not documented; the suite relies on it.
     * Errors: the service's common ones, REQUIRED_IN_DIALECT (open-platform),
     * DELIVERY_PENDING, STORE_UNAVAILABLE, and INVALID_REQUEST also for an id
     * that is not a number where national-site needs one.
     * </pre>
     */
    public void syncOrder(nationalsite.ordersync.v1.SyncOrderRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSyncOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells 1688 which purchase orders serve which downstream orders (1688:
     * order.relation.write).
     * national-site takes the list in one call, and its one verdict stands in
     * every result. open-platform takes one relation a call: the suite sends
     * them one by one, a few at a time, and one that fails stops no other.
     * OK once a relation has reached 1688's operation: look into each result.
     * There, a relation that was not sent has UPSTREAM_UNAVAILABLE, DEADLINE or
     * what the gateway refused it with, one that was sent and whose outcome is
     * not known OUTCOME_UNKNOWN; to send either again does no harm, as far as
     * SyncOrder's assumption holds here too. The call itself fails where no
     * relation reached the operation, with the first one's error, and where the
     * replica shuts down meanwhile (DRAINING).
     * Errors: the service's common ones, REQUIRED_IN_DIALECT (open-platform),
     * DELIVERY_PENDING, STORE_UNAVAILABLE, and INVALID_REQUEST also for a
     * downstream id that is not a number where national-site needs one; these
     * before anything is sent.
     * </pre>
     */
    public void writeOrderRelations(nationalsite.ordersync.v1.WriteOrderRelationsRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.WriteOrderRelationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getWriteOrderRelationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells 1688 of a downstream order's new status (1688:
     * trade.cross.orderStatusSync, a name by analogy: none is documented; the
     * suite's settings can give another).
     * Needs the order's id and a status. open-platform has no such operation:
     * there the suite sends the last full order that was synced through it, with
     * the new status in it. A sub-order's own `pay_status` and `end_time` have no
     * place there.
     * Errors: the service's common ones, DELIVERY_PENDING, STORE_UNAVAILABLE,
     * INVALID_REQUEST also for an id that is not a number (national-site) and for
     * a sub-order that the last full order does not have (open-platform), and
     * NO_FULL_SYNC (open-platform: none was synced, or it is kept no more).
     * </pre>
     */
    public void syncOrderStatus(nationalsite.ordersync.v1.SyncOrderStatusRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncOrderStatusResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSyncOrderStatusMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells 1688 of the parcel that brings a downstream order to its buyer
     * (1688: trade.cross.logisticsOrderSync).
     * Needs the ids of order and parcel; open-platform needs more, field by
     * field. Repeats and OK are as in SyncOrder.
     * Errors: those of SyncOrder.
     * </pre>
     */
    public void syncLogisticsOrder(nationalsite.ordersync.v1.SyncLogisticsOrderRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncLogisticsOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSyncLogisticsOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells 1688 of a parcel's new status (1688: trade.cross.logisticsStatusSync,
     * a name by analogy: none is documented; the suite's settings can give
     * another).
     * Needs the parcel's id and a status. open-platform: as SyncOrderStatus, by
     * the last full parcel; `modified_time` is sent as its end time unless it is
     * only on its way.
     * Errors: those of SyncOrderStatus.
     * </pre>
     */
    public void syncLogisticsStatus(nationalsite.ordersync.v1.SyncLogisticsStatusRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncLogisticsStatusResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSyncLogisticsStatusMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid by Alipay (1688:
     * alibaba.alipay.url.get).
     * Needs 1 to 100 purchase orders that wait for payment; up to 30 where they
     * are to be paid by Kuajingbao. Whoever opens the link must be logged in to
     * 1688. Where only some of the orders can be paid, the call succeeds and
     * lists the others. 1688 may deduct stock in this call, so it is not
     * repeated.
     * Errors: the service's common ones, OUTCOME_UNKNOWN, and UPSTREAM_STATE (an
     * invitation order without a receiver cannot be combined with others; stock
     * cannot be deducted).
     * </pre>
     */
    public void getAlipayUrl(nationalsite.ordersync.v1.GetAlipayUrlRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetAlipayUrlResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetAlipayUrlMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid by Kuajingbao, 1688's
     * cross-border account (1688: alibaba.crossBorderPay.url.get).
     * Needs 1 to 30 purchase orders that wait for payment; 1688 advises at most
     * 10, since more take long. Where only some of the orders can be paid, the
     * call succeeds and lists the others.
     * Errors: the service's common ones, and UPSTREAM_STATE (none of the orders
     * can be paid by Kuajingbao). 1688 prints a code 400_1 without a meaning:
     * UPSTREAM_REFUSED.
     * </pre>
     */
    public void getCrossBorderPayUrl(nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetCrossBorderPayUrlMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid on credit (1688:
     * alibaba.creditPay.url.get).
     * Needs 1 to 30 purchase orders that wait for payment; 1688 advises at most
     * 10, since more take long. Where only some of the orders can be paid, the
     * call succeeds and lists the others.
     * Errors: the service's common ones. 1688 prints one code, 400_1, without a
     * meaning: UPSTREAM_REFUSED.
     * </pre>
     */
    public void getCreditPayUrl(nationalsite.ordersync.v1.GetCreditPayUrlRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetCreditPayUrlResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetCreditPayUrlMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the ways in which a purchase order can be paid (1688:
     * alibaba.trade.payWay.query).
     * Needs a purchase order of the account whose token the suite uses.
     * Errors: the service's common ones, and UPSTREAM_NOT_OWNED. 1688 prints a
     * code 500_1 without a meaning: UPSTREAM_REFUSED.
     * </pre>
     */
    public void listPayWays(nationalsite.ordersync.v1.ListPayWaysRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListPayWaysResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListPayWaysMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the reasons that a refund can be asked for with (1688:
     * alibaba.trade.getRefundReasonList).
     * Needs a purchase order, its sub-orders and where the goods are. Reasons
     * depend on all of these: ask anew for every refund.
     * Errors: the service's common ones; UPSTREAM_ARGUMENT also for 1688's codes
     * 5xxx, which are the caller's faults here, UPSTREAM_FAULT for its codes
     * 4xxx, which are its own.
     * </pre>
     */
    public void listRefundReasons(nationalsite.ordersync.v1.ListRefundReasonsRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListRefundReasonsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRefundReasonsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Uploads a picture that proves why a refund is asked for (1688:
     * alibaba.trade.uploadRefundVoucher).
     * Needs a JPEG below 1 MiB. A repeat does no harm: it yields another
     * address of the same picture.
     * Errors: the service's common ones. 1688's one code, 4000, is the caller's
     * fault where its text names imageData (UPSTREAM_ARGUMENT); else, since the
     * picture was checked here, 1688's own (UPSTREAM_FAULT).
     * </pre>
     */
    public void uploadRefundVoucher(nationalsite.ordersync.v1.UploadRefundVoucherRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.UploadRefundVoucherResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUploadRefundVoucherMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Asks for a refund, with or without a return of the goods (1688:
     * alibaba.trade.createRefund).
     * Needs everything that is not marked optional. 1688 answers a second
     * request for the same goods as it does a wrong state, so the suite never
     * repeats a call that may have reached it.
     * Errors: the service's common ones, OUTCOME_UNKNOWN (also for 1688's codes
     * 4xxx, its own faults here), ORDER_NOT_FOUND (5001), UPSTREAM_NOT_OWNED
     * (5002), UPSTREAM_STATE (5010: state of order or goods, or asked for
     * before), and UPSTREAM_ARGUMENT also for the state of the goods (5003), the
     * reason (5004), a proof that the reason needs (5005), freight that it does
     * not give back (5006), the amount (5011), the description (5012) and the
     * numbers of pieces (5013). Its code 5100 stands for anything else:
     * UPSTREAM_REFUSED.
     * </pre>
     */
    public void createRefund(nationalsite.ordersync.v1.CreateRefundRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.CreateRefundResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateRefundMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells 1688 that the goods of a refund are on their way back to the seller
     * (1688: alibaba.trade.refund.returnGoods).
     * Needs a refund that the seller has agreed to with a return, and the
     * parcel. OK means that 1688 took it. It is not repeated once it may have
     * reached 1688.
     * Errors: the service's common ones, OUTCOME_UNKNOWN (also for 1688's codes
     * 5xxx, its own faults here, and for 4004 where it could not check the
     * parcel), UPSTREAM_CREDENTIAL also for 4001, UPSTREAM_ARGUMENT also for a
     * missing parcel (4002), the vouchers (4003), a parcel that does not fit its
     * company (4004) and a malformed refund id (4008), REFUND_NOT_FOUND (4005),
     * UPSTREAM_NOT_OWNED (4006), and UPSTREAM_STATE (4007: the refund does not
     * wait for a return).
     * </pre>
     */
    public void submitReturnGoods(nationalsite.ordersync.v1.SubmitReturnGoodsRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SubmitReturnGoodsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSubmitReturnGoodsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Takes a sync on to deliver it, through outages of 1688 and of this
     * service.
     * Needs a request id and one of the five syncs, without a request id of its
     * own. What the dialect needs or cannot carry is refused now; then the sync
     * is stored, and the answer is its delivery. Deliveries of one ordering key
     * are sent one at a time, in the order in which they were enqueued, those of
     * different keys beside each other. One that fails is sent again, later and
     * later, until 1688 accepts it, refuses it in a way that repeating cannot
     * cure, or it has grown too old: the last two make it DEAD, and the next one
     * of its key goes. 1688 may receive a sync more than once.
     * A repeat with the same request id and content answers with the same
     * delivery, as it stands then.
     * Errors: INVALID_REQUEST, REQUIRED_IN_DIALECT (both by paths such as
     * sync_order.order.order_id), REQUEST_ID_REUSED, STORE_UNAVAILABLE,
     * DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public void enqueueSync(nationalsite.ordersync.v1.EnqueueSyncRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.EnqueueSyncResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getEnqueueSyncMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads a delivery. A finished one is kept for 30 days.
     * Errors: DELIVERY_NOT_FOUND, INVALID_REQUEST, STORE_UNAVAILABLE, DEADLINE,
     * DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public void getDelivery(nationalsite.ordersync.v1.GetDeliveryRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetDeliveryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetDeliveryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists deliveries, those enqueued last first.
     * Errors: those of GetDelivery but DELIVERY_NOT_FOUND.
     * </pre>
     */
    public void listDeliveries(nationalsite.ordersync.v1.ListDeliveriesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListDeliveriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDeliveriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes a dead delivery pending again, in its old place. A pending one stays
     * as it is.
     * Errors: those of GetDelivery, DELIVERY_STATE (delivered or cancelled), and
     * DELIVERY_OVERTAKEN (a later one of its key has been sent: enqueue what is
     * true now instead).
     * </pre>
     */
    public void retryDelivery(nationalsite.ordersync.v1.RetryDeliveryRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.RetryDeliveryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRetryDeliveryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Cancels a pending delivery. A cancelled one stays as it is. What was sent
     * before, without success, 1688 may still have taken.
     * Errors: those of GetDelivery, and DELIVERY_STATE (finished otherwise, or
     * being sent just now).
     * </pre>
     */
    public void cancelDelivery(nationalsite.ordersync.v1.CancelDeliveryRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.CancelDeliveryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelDeliveryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Hands out 1688's messages, as they come.
     * The first request opens the stream: it names the subscription. Then
     * messages come, each under a lease, never more of them at once than
     * `max_outstanding`; acknowledge them (`ack`) to get others. One whose lease
     * ends without an acknowledgement is handed out again, to this stream or to
     * another consumer of the subscription; after 10 times it is dead. Consumers
     * of one subscription share its messages; each subscription gets every
     * message of its topics at least once. Messages of one 1688 order that are
     * there come by their time, one after the other: the next one when the one
     * before was acknowledged. When the stream ends, however that is, what was
     * not acknowledged is free for other consumers at once.
     * Errors: INVALID_REQUEST (also where the first request does not open the
     * stream, or a later one does), SUBSCRIPTION_MISMATCH,
     * SUBSCRIPTION_NOT_FOUND (it was deleted meanwhile), STORE_UNAVAILABLE,
     * OVERLOADED (the caller has too many subscriptions), DEADLINE, DRAINING,
     * INTERNAL_FAULT. Open a new stream after any of the transient ones.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.StreamMessagesRequest> streamMessages(
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.StreamMessagesResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getStreamMessagesMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Hands out some of 1688's messages: what StreamMessages does, for callers
     * that rather ask. Waits while there are none.
     * The answer has no messages where none came in time. Acknowledge them by
     * AckMessages before their leases end. An answer that gets lost holds them
     * back for no longer than that.
     * Errors: INVALID_REQUEST, SUBSCRIPTION_MISMATCH, SUBSCRIPTION_NOT_FOUND (it
     * was deleted meanwhile), STORE_UNAVAILABLE, OVERLOADED (the caller has too
     * many subscriptions), DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public void pullMessages(nationalsite.ordersync.v1.PullMessagesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.PullMessagesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPullMessagesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Acknowledges messages: they are not handed out to this subscription again.
     * What is acknowledged already or not known is passed over.
     * Errors: INVALID_REQUEST, SUBSCRIPTION_NOT_FOUND, STORE_UNAVAILABLE,
     * DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public void ackMessages(nationalsite.ordersync.v1.AckMessagesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.AckMessagesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAckMessagesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lets the leases of messages end at another time: later, while they are
     * worked on, or at once, which gives them back. A lease that has ended stays
     * ended; what is not known is passed over.
     * Errors: those of AckMessages.
     * </pre>
     */
    public void setMessageLease(nationalsite.ordersync.v1.SetMessageLeaseRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SetMessageLeaseResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetMessageLeaseMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the caller's subscriptions and how far behind they are.
     * Errors: STORE_UNAVAILABLE, DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public void listSubscriptions(nationalsite.ordersync.v1.ListSubscriptionsRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListSubscriptionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListSubscriptionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a subscription of the caller's with all that waits for it. A later
     * use of its name makes a new one.
     * Errors: those of AckMessages.
     * </pre>
     */
    public void deleteSubscription(nationalsite.ordersync.v1.DeleteSubscriptionRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.DeleteSubscriptionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteSubscriptionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the messages of a subscription that were handed out too often, those
     * stored last first.
     * Errors: those of AckMessages.
     * </pre>
     */
    public void listDeadMessages(nationalsite.ordersync.v1.ListDeadMessagesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListDeadMessagesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDeadMessagesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Hands dead messages out again, as if for the first time. What is not dead
     * is passed over.
     * Errors: those of AckMessages.
     * </pre>
     */
    public void requeueMessages(nationalsite.ordersync.v1.RequeueMessagesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.RequeueMessagesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRequeueMessagesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Asks 1688 now for the messages that it could not push, as the service does
     * by itself every few minutes: stores them, then confirms them to 1688. 1688
     * keeps them for about 7 days.
     * Answers when there are no more. Where it ends early, by an error or the
     * deadline, what was stored stays stored, and the rest comes with the next
     * replay. While another replay runs, anywhere, the answer is OVERLOADED.
     * Errors: the service's common ones, and STORE_UNAVAILABLE.
     * </pre>
     */
    public void replayMessages(nationalsite.ordersync.v1.ReplayMessagesRequest request,
        io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ReplayMessagesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReplayMessagesMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service OrderSyncService.
   * <pre>
   * Tells 1688 of downstream orders, at once or through a durable delivery;
   * pays and refunds purchase orders; hands out the messages that 1688 pushes.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * GetAlipayUrl, CreateRefund and SubmitReturnGoods are not repeated by the
   * suite once they may have reached 1688: where their outcome is not known,
   * they end in OUTCOME_UNKNOWN (UNKNOWN, pushback -1) instead of
   * UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE, UPSTREAM_FAULT and DEADLINE,
   * which then say that nothing was sent.
   * A call with a `request_id` can also end in REQUEST_ID_REUSED (the id was
   * used with other content), REQUEST_IN_PROGRESS (the first call still runs) and
   * STORE_UNAVAILABLE. Its id is remembered for its caller and RPC. A repeat of
   * one of the three RPCs above whose first call had an unknown outcome is
   * OUTCOME_UNKNOWN, and nothing is sent; any other is sent again.
   * A sync that is called directly while a delivery of the same ordering key is
   * pending would overtake it: DELIVERY_PENDING.
   * </pre>
   */
  public static final class OrderSyncServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<OrderSyncServiceBlockingV2Stub> {
    private OrderSyncServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OrderSyncServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OrderSyncServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Tells 1688 of a downstream order, or of what has changed in it (1688:
     * trade.cross.orderSync).
     * Needs the order's id; open-platform needs more, field by field. OK means
     * that 1688 accepted it. That a repeat with the same id replaces what was
     * told before is likely and not documented; the suite relies on it.
     * Errors: the service's common ones, REQUIRED_IN_DIALECT (open-platform),
     * DELIVERY_PENDING, STORE_UNAVAILABLE, and INVALID_REQUEST also for an id
     * that is not a number where national-site needs one.
     * </pre>
     */
    public nationalsite.ordersync.v1.SyncOrderResponse syncOrder(nationalsite.ordersync.v1.SyncOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSyncOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells 1688 which purchase orders serve which downstream orders (1688:
     * order.relation.write).
     * national-site takes the list in one call, and its one verdict stands in
     * every result. open-platform takes one relation a call: the suite sends
     * them one by one, a few at a time, and one that fails stops no other.
     * OK once a relation has reached 1688's operation: look into each result.
     * There, a relation that was not sent has UPSTREAM_UNAVAILABLE, DEADLINE or
     * what the gateway refused it with, one that was sent and whose outcome is
     * not known OUTCOME_UNKNOWN; to send either again does no harm, as far as
     * SyncOrder's assumption holds here too. The call itself fails where no
     * relation reached the operation, with the first one's error, and where the
     * replica shuts down meanwhile (DRAINING).
     * Errors: the service's common ones, REQUIRED_IN_DIALECT (open-platform),
     * DELIVERY_PENDING, STORE_UNAVAILABLE, and INVALID_REQUEST also for a
     * downstream id that is not a number where national-site needs one; these
     * before anything is sent.
     * </pre>
     */
    public nationalsite.ordersync.v1.WriteOrderRelationsResponse writeOrderRelations(nationalsite.ordersync.v1.WriteOrderRelationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getWriteOrderRelationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells 1688 of a downstream order's new status (1688:
     * trade.cross.orderStatusSync, a name by analogy: none is documented; the
     * suite's settings can give another).
     * Needs the order's id and a status. open-platform has no such operation:
     * there the suite sends the last full order that was synced through it, with
     * the new status in it. A sub-order's own `pay_status` and `end_time` have no
     * place there.
     * Errors: the service's common ones, DELIVERY_PENDING, STORE_UNAVAILABLE,
     * INVALID_REQUEST also for an id that is not a number (national-site) and for
     * a sub-order that the last full order does not have (open-platform), and
     * NO_FULL_SYNC (open-platform: none was synced, or it is kept no more).
     * </pre>
     */
    public nationalsite.ordersync.v1.SyncOrderStatusResponse syncOrderStatus(nationalsite.ordersync.v1.SyncOrderStatusRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSyncOrderStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells 1688 of the parcel that brings a downstream order to its buyer
     * (1688: trade.cross.logisticsOrderSync).
     * Needs the ids of order and parcel; open-platform needs more, field by
     * field. Repeats and OK are as in SyncOrder.
     * Errors: those of SyncOrder.
     * </pre>
     */
    public nationalsite.ordersync.v1.SyncLogisticsOrderResponse syncLogisticsOrder(nationalsite.ordersync.v1.SyncLogisticsOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSyncLogisticsOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells 1688 of a parcel's new status (1688: trade.cross.logisticsStatusSync,
     * a name by analogy: none is documented; the suite's settings can give
     * another).
     * Needs the parcel's id and a status. open-platform: as SyncOrderStatus, by
     * the last full parcel; `modified_time` is sent as its end time unless it is
     * only on its way.
     * Errors: those of SyncOrderStatus.
     * </pre>
     */
    public nationalsite.ordersync.v1.SyncLogisticsStatusResponse syncLogisticsStatus(nationalsite.ordersync.v1.SyncLogisticsStatusRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSyncLogisticsStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid by Alipay (1688:
     * alibaba.alipay.url.get).
     * Needs 1 to 100 purchase orders that wait for payment; up to 30 where they
     * are to be paid by Kuajingbao. Whoever opens the link must be logged in to
     * 1688. Where only some of the orders can be paid, the call succeeds and
     * lists the others. 1688 may deduct stock in this call, so it is not
     * repeated.
     * Errors: the service's common ones, OUTCOME_UNKNOWN, and UPSTREAM_STATE (an
     * invitation order without a receiver cannot be combined with others; stock
     * cannot be deducted).
     * </pre>
     */
    public nationalsite.ordersync.v1.GetAlipayUrlResponse getAlipayUrl(nationalsite.ordersync.v1.GetAlipayUrlRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetAlipayUrlMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid by Kuajingbao, 1688's
     * cross-border account (1688: alibaba.crossBorderPay.url.get).
     * Needs 1 to 30 purchase orders that wait for payment; 1688 advises at most
     * 10, since more take long. Where only some of the orders can be paid, the
     * call succeeds and lists the others.
     * Errors: the service's common ones, and UPSTREAM_STATE (none of the orders
     * can be paid by Kuajingbao). 1688 prints a code 400_1 without a meaning:
     * UPSTREAM_REFUSED.
     * </pre>
     */
    public nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse getCrossBorderPayUrl(nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetCrossBorderPayUrlMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid on credit (1688:
     * alibaba.creditPay.url.get).
     * Needs 1 to 30 purchase orders that wait for payment; 1688 advises at most
     * 10, since more take long. Where only some of the orders can be paid, the
     * call succeeds and lists the others.
     * Errors: the service's common ones. 1688 prints one code, 400_1, without a
     * meaning: UPSTREAM_REFUSED.
     * </pre>
     */
    public nationalsite.ordersync.v1.GetCreditPayUrlResponse getCreditPayUrl(nationalsite.ordersync.v1.GetCreditPayUrlRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetCreditPayUrlMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the ways in which a purchase order can be paid (1688:
     * alibaba.trade.payWay.query).
     * Needs a purchase order of the account whose token the suite uses.
     * Errors: the service's common ones, and UPSTREAM_NOT_OWNED. 1688 prints a
     * code 500_1 without a meaning: UPSTREAM_REFUSED.
     * </pre>
     */
    public nationalsite.ordersync.v1.ListPayWaysResponse listPayWays(nationalsite.ordersync.v1.ListPayWaysRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListPayWaysMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the reasons that a refund can be asked for with (1688:
     * alibaba.trade.getRefundReasonList).
     * Needs a purchase order, its sub-orders and where the goods are. Reasons
     * depend on all of these: ask anew for every refund.
     * Errors: the service's common ones; UPSTREAM_ARGUMENT also for 1688's codes
     * 5xxx, which are the caller's faults here, UPSTREAM_FAULT for its codes
     * 4xxx, which are its own.
     * </pre>
     */
    public nationalsite.ordersync.v1.ListRefundReasonsResponse listRefundReasons(nationalsite.ordersync.v1.ListRefundReasonsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListRefundReasonsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Uploads a picture that proves why a refund is asked for (1688:
     * alibaba.trade.uploadRefundVoucher).
     * Needs a JPEG below 1 MiB. A repeat does no harm: it yields another
     * address of the same picture.
     * Errors: the service's common ones. 1688's one code, 4000, is the caller's
     * fault where its text names imageData (UPSTREAM_ARGUMENT); else, since the
     * picture was checked here, 1688's own (UPSTREAM_FAULT).
     * </pre>
     */
    public nationalsite.ordersync.v1.UploadRefundVoucherResponse uploadRefundVoucher(nationalsite.ordersync.v1.UploadRefundVoucherRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUploadRefundVoucherMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks for a refund, with or without a return of the goods (1688:
     * alibaba.trade.createRefund).
     * Needs everything that is not marked optional. 1688 answers a second
     * request for the same goods as it does a wrong state, so the suite never
     * repeats a call that may have reached it.
     * Errors: the service's common ones, OUTCOME_UNKNOWN (also for 1688's codes
     * 4xxx, its own faults here), ORDER_NOT_FOUND (5001), UPSTREAM_NOT_OWNED
     * (5002), UPSTREAM_STATE (5010: state of order or goods, or asked for
     * before), and UPSTREAM_ARGUMENT also for the state of the goods (5003), the
     * reason (5004), a proof that the reason needs (5005), freight that it does
     * not give back (5006), the amount (5011), the description (5012) and the
     * numbers of pieces (5013). Its code 5100 stands for anything else:
     * UPSTREAM_REFUSED.
     * </pre>
     */
    public nationalsite.ordersync.v1.CreateRefundResponse createRefund(nationalsite.ordersync.v1.CreateRefundRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateRefundMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells 1688 that the goods of a refund are on their way back to the seller
     * (1688: alibaba.trade.refund.returnGoods).
     * Needs a refund that the seller has agreed to with a return, and the
     * parcel. OK means that 1688 took it. It is not repeated once it may have
     * reached 1688.
     * Errors: the service's common ones, OUTCOME_UNKNOWN (also for 1688's codes
     * 5xxx, its own faults here, and for 4004 where it could not check the
     * parcel), UPSTREAM_CREDENTIAL also for 4001, UPSTREAM_ARGUMENT also for a
     * missing parcel (4002), the vouchers (4003), a parcel that does not fit its
     * company (4004) and a malformed refund id (4008), REFUND_NOT_FOUND (4005),
     * UPSTREAM_NOT_OWNED (4006), and UPSTREAM_STATE (4007: the refund does not
     * wait for a return).
     * </pre>
     */
    public nationalsite.ordersync.v1.SubmitReturnGoodsResponse submitReturnGoods(nationalsite.ordersync.v1.SubmitReturnGoodsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSubmitReturnGoodsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes a sync on to deliver it, through outages of 1688 and of this
     * service.
     * Needs a request id and one of the five syncs, without a request id of its
     * own. What the dialect needs or cannot carry is refused now; then the sync
     * is stored, and the answer is its delivery. Deliveries of one ordering key
     * are sent one at a time, in the order in which they were enqueued, those of
     * different keys beside each other. One that fails is sent again, later and
     * later, until 1688 accepts it, refuses it in a way that repeating cannot
     * cure, or it has grown too old: the last two make it DEAD, and the next one
     * of its key goes. 1688 may receive a sync more than once.
     * A repeat with the same request id and content answers with the same
     * delivery, as it stands then.
     * Errors: INVALID_REQUEST, REQUIRED_IN_DIALECT (both by paths such as
     * sync_order.order.order_id), REQUEST_ID_REUSED, STORE_UNAVAILABLE,
     * DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public nationalsite.ordersync.v1.EnqueueSyncResponse enqueueSync(nationalsite.ordersync.v1.EnqueueSyncRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getEnqueueSyncMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads a delivery. A finished one is kept for 30 days.
     * Errors: DELIVERY_NOT_FOUND, INVALID_REQUEST, STORE_UNAVAILABLE, DEADLINE,
     * DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public nationalsite.ordersync.v1.GetDeliveryResponse getDelivery(nationalsite.ordersync.v1.GetDeliveryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetDeliveryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists deliveries, those enqueued last first.
     * Errors: those of GetDelivery but DELIVERY_NOT_FOUND.
     * </pre>
     */
    public nationalsite.ordersync.v1.ListDeliveriesResponse listDeliveries(nationalsite.ordersync.v1.ListDeliveriesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListDeliveriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a dead delivery pending again, in its old place. A pending one stays
     * as it is.
     * Errors: those of GetDelivery, DELIVERY_STATE (delivered or cancelled), and
     * DELIVERY_OVERTAKEN (a later one of its key has been sent: enqueue what is
     * true now instead).
     * </pre>
     */
    public nationalsite.ordersync.v1.RetryDeliveryResponse retryDelivery(nationalsite.ordersync.v1.RetryDeliveryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRetryDeliveryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Cancels a pending delivery. A cancelled one stays as it is. What was sent
     * before, without success, 1688 may still have taken.
     * Errors: those of GetDelivery, and DELIVERY_STATE (finished otherwise, or
     * being sent just now).
     * </pre>
     */
    public nationalsite.ordersync.v1.CancelDeliveryResponse cancelDelivery(nationalsite.ordersync.v1.CancelDeliveryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCancelDeliveryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Hands out 1688's messages, as they come.
     * The first request opens the stream: it names the subscription. Then
     * messages come, each under a lease, never more of them at once than
     * `max_outstanding`; acknowledge them (`ack`) to get others. One whose lease
     * ends without an acknowledgement is handed out again, to this stream or to
     * another consumer of the subscription; after 10 times it is dead. Consumers
     * of one subscription share its messages; each subscription gets every
     * message of its topics at least once. Messages of one 1688 order that are
     * there come by their time, one after the other: the next one when the one
     * before was acknowledged. When the stream ends, however that is, what was
     * not acknowledged is free for other consumers at once.
     * Errors: INVALID_REQUEST (also where the first request does not open the
     * stream, or a later one does), SUBSCRIPTION_MISMATCH,
     * SUBSCRIPTION_NOT_FOUND (it was deleted meanwhile), STORE_UNAVAILABLE,
     * OVERLOADED (the caller has too many subscriptions), DEADLINE, DRAINING,
     * INTERNAL_FAULT. Open a new stream after any of the transient ones.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<nationalsite.ordersync.v1.StreamMessagesRequest, nationalsite.ordersync.v1.StreamMessagesResponse>
        streamMessages() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getStreamMessagesMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Hands out some of 1688's messages: what StreamMessages does, for callers
     * that rather ask. Waits while there are none.
     * The answer has no messages where none came in time. Acknowledge them by
     * AckMessages before their leases end. An answer that gets lost holds them
     * back for no longer than that.
     * Errors: INVALID_REQUEST, SUBSCRIPTION_MISMATCH, SUBSCRIPTION_NOT_FOUND (it
     * was deleted meanwhile), STORE_UNAVAILABLE, OVERLOADED (the caller has too
     * many subscriptions), DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public nationalsite.ordersync.v1.PullMessagesResponse pullMessages(nationalsite.ordersync.v1.PullMessagesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPullMessagesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Acknowledges messages: they are not handed out to this subscription again.
     * What is acknowledged already or not known is passed over.
     * Errors: INVALID_REQUEST, SUBSCRIPTION_NOT_FOUND, STORE_UNAVAILABLE,
     * DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public nationalsite.ordersync.v1.AckMessagesResponse ackMessages(nationalsite.ordersync.v1.AckMessagesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAckMessagesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets the leases of messages end at another time: later, while they are
     * worked on, or at once, which gives them back. A lease that has ended stays
     * ended; what is not known is passed over.
     * Errors: those of AckMessages.
     * </pre>
     */
    public nationalsite.ordersync.v1.SetMessageLeaseResponse setMessageLease(nationalsite.ordersync.v1.SetMessageLeaseRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetMessageLeaseMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the caller's subscriptions and how far behind they are.
     * Errors: STORE_UNAVAILABLE, DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public nationalsite.ordersync.v1.ListSubscriptionsResponse listSubscriptions(nationalsite.ordersync.v1.ListSubscriptionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListSubscriptionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a subscription of the caller's with all that waits for it. A later
     * use of its name makes a new one.
     * Errors: those of AckMessages.
     * </pre>
     */
    public nationalsite.ordersync.v1.DeleteSubscriptionResponse deleteSubscription(nationalsite.ordersync.v1.DeleteSubscriptionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteSubscriptionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the messages of a subscription that were handed out too often, those
     * stored last first.
     * Errors: those of AckMessages.
     * </pre>
     */
    public nationalsite.ordersync.v1.ListDeadMessagesResponse listDeadMessages(nationalsite.ordersync.v1.ListDeadMessagesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListDeadMessagesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Hands dead messages out again, as if for the first time. What is not dead
     * is passed over.
     * Errors: those of AckMessages.
     * </pre>
     */
    public nationalsite.ordersync.v1.RequeueMessagesResponse requeueMessages(nationalsite.ordersync.v1.RequeueMessagesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRequeueMessagesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks 1688 now for the messages that it could not push, as the service does
     * by itself every few minutes: stores them, then confirms them to 1688. 1688
     * keeps them for about 7 days.
     * Answers when there are no more. Where it ends early, by an error or the
     * deadline, what was stored stays stored, and the rest comes with the next
     * replay. While another replay runs, anywhere, the answer is OVERLOADED.
     * Errors: the service's common ones, and STORE_UNAVAILABLE.
     * </pre>
     */
    public nationalsite.ordersync.v1.ReplayMessagesResponse replayMessages(nationalsite.ordersync.v1.ReplayMessagesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReplayMessagesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service OrderSyncService.
   * <pre>
   * Tells 1688 of downstream orders, at once or through a durable delivery;
   * pays and refunds purchase orders; hands out the messages that 1688 pushes.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * GetAlipayUrl, CreateRefund and SubmitReturnGoods are not repeated by the
   * suite once they may have reached 1688: where their outcome is not known,
   * they end in OUTCOME_UNKNOWN (UNKNOWN, pushback -1) instead of
   * UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE, UPSTREAM_FAULT and DEADLINE,
   * which then say that nothing was sent.
   * A call with a `request_id` can also end in REQUEST_ID_REUSED (the id was
   * used with other content), REQUEST_IN_PROGRESS (the first call still runs) and
   * STORE_UNAVAILABLE. Its id is remembered for its caller and RPC. A repeat of
   * one of the three RPCs above whose first call had an unknown outcome is
   * OUTCOME_UNKNOWN, and nothing is sent; any other is sent again.
   * A sync that is called directly while a delivery of the same ordering key is
   * pending would overtake it: DELIVERY_PENDING.
   * </pre>
   */
  public static final class OrderSyncServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<OrderSyncServiceBlockingStub> {
    private OrderSyncServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OrderSyncServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OrderSyncServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Tells 1688 of a downstream order, or of what has changed in it (1688:
     * trade.cross.orderSync).
     * Needs the order's id; open-platform needs more, field by field. OK means
     * that 1688 accepted it. That a repeat with the same id replaces what was
     * told before is likely and not documented; the suite relies on it.
     * Errors: the service's common ones, REQUIRED_IN_DIALECT (open-platform),
     * DELIVERY_PENDING, STORE_UNAVAILABLE, and INVALID_REQUEST also for an id
     * that is not a number where national-site needs one.
     * </pre>
     */
    public nationalsite.ordersync.v1.SyncOrderResponse syncOrder(nationalsite.ordersync.v1.SyncOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSyncOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells 1688 which purchase orders serve which downstream orders (1688:
     * order.relation.write).
     * national-site takes the list in one call, and its one verdict stands in
     * every result. open-platform takes one relation a call: the suite sends
     * them one by one, a few at a time, and one that fails stops no other.
     * OK once a relation has reached 1688's operation: look into each result.
     * There, a relation that was not sent has UPSTREAM_UNAVAILABLE, DEADLINE or
     * what the gateway refused it with, one that was sent and whose outcome is
     * not known OUTCOME_UNKNOWN; to send either again does no harm, as far as
     * SyncOrder's assumption holds here too. The call itself fails where no
     * relation reached the operation, with the first one's error, and where the
     * replica shuts down meanwhile (DRAINING).
     * Errors: the service's common ones, REQUIRED_IN_DIALECT (open-platform),
     * DELIVERY_PENDING, STORE_UNAVAILABLE, and INVALID_REQUEST also for a
     * downstream id that is not a number where national-site needs one; these
     * before anything is sent.
     * </pre>
     */
    public nationalsite.ordersync.v1.WriteOrderRelationsResponse writeOrderRelations(nationalsite.ordersync.v1.WriteOrderRelationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getWriteOrderRelationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells 1688 of a downstream order's new status (1688:
     * trade.cross.orderStatusSync, a name by analogy: none is documented; the
     * suite's settings can give another).
     * Needs the order's id and a status. open-platform has no such operation:
     * there the suite sends the last full order that was synced through it, with
     * the new status in it. A sub-order's own `pay_status` and `end_time` have no
     * place there.
     * Errors: the service's common ones, DELIVERY_PENDING, STORE_UNAVAILABLE,
     * INVALID_REQUEST also for an id that is not a number (national-site) and for
     * a sub-order that the last full order does not have (open-platform), and
     * NO_FULL_SYNC (open-platform: none was synced, or it is kept no more).
     * </pre>
     */
    public nationalsite.ordersync.v1.SyncOrderStatusResponse syncOrderStatus(nationalsite.ordersync.v1.SyncOrderStatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSyncOrderStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells 1688 of the parcel that brings a downstream order to its buyer
     * (1688: trade.cross.logisticsOrderSync).
     * Needs the ids of order and parcel; open-platform needs more, field by
     * field. Repeats and OK are as in SyncOrder.
     * Errors: those of SyncOrder.
     * </pre>
     */
    public nationalsite.ordersync.v1.SyncLogisticsOrderResponse syncLogisticsOrder(nationalsite.ordersync.v1.SyncLogisticsOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSyncLogisticsOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells 1688 of a parcel's new status (1688: trade.cross.logisticsStatusSync,
     * a name by analogy: none is documented; the suite's settings can give
     * another).
     * Needs the parcel's id and a status. open-platform: as SyncOrderStatus, by
     * the last full parcel; `modified_time` is sent as its end time unless it is
     * only on its way.
     * Errors: those of SyncOrderStatus.
     * </pre>
     */
    public nationalsite.ordersync.v1.SyncLogisticsStatusResponse syncLogisticsStatus(nationalsite.ordersync.v1.SyncLogisticsStatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSyncLogisticsStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid by Alipay (1688:
     * alibaba.alipay.url.get).
     * Needs 1 to 100 purchase orders that wait for payment; up to 30 where they
     * are to be paid by Kuajingbao. Whoever opens the link must be logged in to
     * 1688. Where only some of the orders can be paid, the call succeeds and
     * lists the others. 1688 may deduct stock in this call, so it is not
     * repeated.
     * Errors: the service's common ones, OUTCOME_UNKNOWN, and UPSTREAM_STATE (an
     * invitation order without a receiver cannot be combined with others; stock
     * cannot be deducted).
     * </pre>
     */
    public nationalsite.ordersync.v1.GetAlipayUrlResponse getAlipayUrl(nationalsite.ordersync.v1.GetAlipayUrlRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetAlipayUrlMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid by Kuajingbao, 1688's
     * cross-border account (1688: alibaba.crossBorderPay.url.get).
     * Needs 1 to 30 purchase orders that wait for payment; 1688 advises at most
     * 10, since more take long. Where only some of the orders can be paid, the
     * call succeeds and lists the others.
     * Errors: the service's common ones, and UPSTREAM_STATE (none of the orders
     * can be paid by Kuajingbao). 1688 prints a code 400_1 without a meaning:
     * UPSTREAM_REFUSED.
     * </pre>
     */
    public nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse getCrossBorderPayUrl(nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetCrossBorderPayUrlMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid on credit (1688:
     * alibaba.creditPay.url.get).
     * Needs 1 to 30 purchase orders that wait for payment; 1688 advises at most
     * 10, since more take long. Where only some of the orders can be paid, the
     * call succeeds and lists the others.
     * Errors: the service's common ones. 1688 prints one code, 400_1, without a
     * meaning: UPSTREAM_REFUSED.
     * </pre>
     */
    public nationalsite.ordersync.v1.GetCreditPayUrlResponse getCreditPayUrl(nationalsite.ordersync.v1.GetCreditPayUrlRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetCreditPayUrlMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the ways in which a purchase order can be paid (1688:
     * alibaba.trade.payWay.query).
     * Needs a purchase order of the account whose token the suite uses.
     * Errors: the service's common ones, and UPSTREAM_NOT_OWNED. 1688 prints a
     * code 500_1 without a meaning: UPSTREAM_REFUSED.
     * </pre>
     */
    public nationalsite.ordersync.v1.ListPayWaysResponse listPayWays(nationalsite.ordersync.v1.ListPayWaysRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListPayWaysMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the reasons that a refund can be asked for with (1688:
     * alibaba.trade.getRefundReasonList).
     * Needs a purchase order, its sub-orders and where the goods are. Reasons
     * depend on all of these: ask anew for every refund.
     * Errors: the service's common ones; UPSTREAM_ARGUMENT also for 1688's codes
     * 5xxx, which are the caller's faults here, UPSTREAM_FAULT for its codes
     * 4xxx, which are its own.
     * </pre>
     */
    public nationalsite.ordersync.v1.ListRefundReasonsResponse listRefundReasons(nationalsite.ordersync.v1.ListRefundReasonsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRefundReasonsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Uploads a picture that proves why a refund is asked for (1688:
     * alibaba.trade.uploadRefundVoucher).
     * Needs a JPEG below 1 MiB. A repeat does no harm: it yields another
     * address of the same picture.
     * Errors: the service's common ones. 1688's one code, 4000, is the caller's
     * fault where its text names imageData (UPSTREAM_ARGUMENT); else, since the
     * picture was checked here, 1688's own (UPSTREAM_FAULT).
     * </pre>
     */
    public nationalsite.ordersync.v1.UploadRefundVoucherResponse uploadRefundVoucher(nationalsite.ordersync.v1.UploadRefundVoucherRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUploadRefundVoucherMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks for a refund, with or without a return of the goods (1688:
     * alibaba.trade.createRefund).
     * Needs everything that is not marked optional. 1688 answers a second
     * request for the same goods as it does a wrong state, so the suite never
     * repeats a call that may have reached it.
     * Errors: the service's common ones, OUTCOME_UNKNOWN (also for 1688's codes
     * 4xxx, its own faults here), ORDER_NOT_FOUND (5001), UPSTREAM_NOT_OWNED
     * (5002), UPSTREAM_STATE (5010: state of order or goods, or asked for
     * before), and UPSTREAM_ARGUMENT also for the state of the goods (5003), the
     * reason (5004), a proof that the reason needs (5005), freight that it does
     * not give back (5006), the amount (5011), the description (5012) and the
     * numbers of pieces (5013). Its code 5100 stands for anything else:
     * UPSTREAM_REFUSED.
     * </pre>
     */
    public nationalsite.ordersync.v1.CreateRefundResponse createRefund(nationalsite.ordersync.v1.CreateRefundRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateRefundMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells 1688 that the goods of a refund are on their way back to the seller
     * (1688: alibaba.trade.refund.returnGoods).
     * Needs a refund that the seller has agreed to with a return, and the
     * parcel. OK means that 1688 took it. It is not repeated once it may have
     * reached 1688.
     * Errors: the service's common ones, OUTCOME_UNKNOWN (also for 1688's codes
     * 5xxx, its own faults here, and for 4004 where it could not check the
     * parcel), UPSTREAM_CREDENTIAL also for 4001, UPSTREAM_ARGUMENT also for a
     * missing parcel (4002), the vouchers (4003), a parcel that does not fit its
     * company (4004) and a malformed refund id (4008), REFUND_NOT_FOUND (4005),
     * UPSTREAM_NOT_OWNED (4006), and UPSTREAM_STATE (4007: the refund does not
     * wait for a return).
     * </pre>
     */
    public nationalsite.ordersync.v1.SubmitReturnGoodsResponse submitReturnGoods(nationalsite.ordersync.v1.SubmitReturnGoodsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSubmitReturnGoodsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes a sync on to deliver it, through outages of 1688 and of this
     * service.
     * Needs a request id and one of the five syncs, without a request id of its
     * own. What the dialect needs or cannot carry is refused now; then the sync
     * is stored, and the answer is its delivery. Deliveries of one ordering key
     * are sent one at a time, in the order in which they were enqueued, those of
     * different keys beside each other. One that fails is sent again, later and
     * later, until 1688 accepts it, refuses it in a way that repeating cannot
     * cure, or it has grown too old: the last two make it DEAD, and the next one
     * of its key goes. 1688 may receive a sync more than once.
     * A repeat with the same request id and content answers with the same
     * delivery, as it stands then.
     * Errors: INVALID_REQUEST, REQUIRED_IN_DIALECT (both by paths such as
     * sync_order.order.order_id), REQUEST_ID_REUSED, STORE_UNAVAILABLE,
     * DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public nationalsite.ordersync.v1.EnqueueSyncResponse enqueueSync(nationalsite.ordersync.v1.EnqueueSyncRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getEnqueueSyncMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads a delivery. A finished one is kept for 30 days.
     * Errors: DELIVERY_NOT_FOUND, INVALID_REQUEST, STORE_UNAVAILABLE, DEADLINE,
     * DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public nationalsite.ordersync.v1.GetDeliveryResponse getDelivery(nationalsite.ordersync.v1.GetDeliveryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetDeliveryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists deliveries, those enqueued last first.
     * Errors: those of GetDelivery but DELIVERY_NOT_FOUND.
     * </pre>
     */
    public nationalsite.ordersync.v1.ListDeliveriesResponse listDeliveries(nationalsite.ordersync.v1.ListDeliveriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDeliveriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a dead delivery pending again, in its old place. A pending one stays
     * as it is.
     * Errors: those of GetDelivery, DELIVERY_STATE (delivered or cancelled), and
     * DELIVERY_OVERTAKEN (a later one of its key has been sent: enqueue what is
     * true now instead).
     * </pre>
     */
    public nationalsite.ordersync.v1.RetryDeliveryResponse retryDelivery(nationalsite.ordersync.v1.RetryDeliveryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRetryDeliveryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Cancels a pending delivery. A cancelled one stays as it is. What was sent
     * before, without success, 1688 may still have taken.
     * Errors: those of GetDelivery, and DELIVERY_STATE (finished otherwise, or
     * being sent just now).
     * </pre>
     */
    public nationalsite.ordersync.v1.CancelDeliveryResponse cancelDelivery(nationalsite.ordersync.v1.CancelDeliveryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelDeliveryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Hands out some of 1688's messages: what StreamMessages does, for callers
     * that rather ask. Waits while there are none.
     * The answer has no messages where none came in time. Acknowledge them by
     * AckMessages before their leases end. An answer that gets lost holds them
     * back for no longer than that.
     * Errors: INVALID_REQUEST, SUBSCRIPTION_MISMATCH, SUBSCRIPTION_NOT_FOUND (it
     * was deleted meanwhile), STORE_UNAVAILABLE, OVERLOADED (the caller has too
     * many subscriptions), DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public nationalsite.ordersync.v1.PullMessagesResponse pullMessages(nationalsite.ordersync.v1.PullMessagesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPullMessagesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Acknowledges messages: they are not handed out to this subscription again.
     * What is acknowledged already or not known is passed over.
     * Errors: INVALID_REQUEST, SUBSCRIPTION_NOT_FOUND, STORE_UNAVAILABLE,
     * DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public nationalsite.ordersync.v1.AckMessagesResponse ackMessages(nationalsite.ordersync.v1.AckMessagesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAckMessagesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets the leases of messages end at another time: later, while they are
     * worked on, or at once, which gives them back. A lease that has ended stays
     * ended; what is not known is passed over.
     * Errors: those of AckMessages.
     * </pre>
     */
    public nationalsite.ordersync.v1.SetMessageLeaseResponse setMessageLease(nationalsite.ordersync.v1.SetMessageLeaseRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetMessageLeaseMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the caller's subscriptions and how far behind they are.
     * Errors: STORE_UNAVAILABLE, DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public nationalsite.ordersync.v1.ListSubscriptionsResponse listSubscriptions(nationalsite.ordersync.v1.ListSubscriptionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListSubscriptionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a subscription of the caller's with all that waits for it. A later
     * use of its name makes a new one.
     * Errors: those of AckMessages.
     * </pre>
     */
    public nationalsite.ordersync.v1.DeleteSubscriptionResponse deleteSubscription(nationalsite.ordersync.v1.DeleteSubscriptionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteSubscriptionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the messages of a subscription that were handed out too often, those
     * stored last first.
     * Errors: those of AckMessages.
     * </pre>
     */
    public nationalsite.ordersync.v1.ListDeadMessagesResponse listDeadMessages(nationalsite.ordersync.v1.ListDeadMessagesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDeadMessagesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Hands dead messages out again, as if for the first time. What is not dead
     * is passed over.
     * Errors: those of AckMessages.
     * </pre>
     */
    public nationalsite.ordersync.v1.RequeueMessagesResponse requeueMessages(nationalsite.ordersync.v1.RequeueMessagesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRequeueMessagesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks 1688 now for the messages that it could not push, as the service does
     * by itself every few minutes: stores them, then confirms them to 1688. 1688
     * keeps them for about 7 days.
     * Answers when there are no more. Where it ends early, by an error or the
     * deadline, what was stored stays stored, and the rest comes with the next
     * replay. While another replay runs, anywhere, the answer is OVERLOADED.
     * Errors: the service's common ones, and STORE_UNAVAILABLE.
     * </pre>
     */
    public nationalsite.ordersync.v1.ReplayMessagesResponse replayMessages(nationalsite.ordersync.v1.ReplayMessagesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReplayMessagesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service OrderSyncService.
   * <pre>
   * Tells 1688 of downstream orders, at once or through a durable delivery;
   * pays and refunds purchase orders; hands out the messages that 1688 pushes.
   * Each RPC lists its own errors. The common ones, which any call to 1688 can
   * end in, are: INVALID_REQUEST, UPSTREAM_ARGUMENT (the gateway misses a
   * parameter), UPSTREAM_REFUSED, UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE,
   * UPSTREAM_FAULT, UPSTREAM_RATE, UPSTREAM_QUOTA, UPSTREAM_CREDENTIAL,
   * UPSTREAM_PERMISSION, UPSTREAM_SIGNATURE, UPSTREAM_GATEWAY,
   * UPSTREAM_UNSUPPORTED, OVERLOADED, DEADLINE, DRAINING and INTERNAL_FAULT.
   * Where the service has a policy, any RPC can end in CALLER_UNKNOWN or
   * CALLER_FORBIDDEN.
   * GetAlipayUrl, CreateRefund and SubmitReturnGoods are not repeated by the
   * suite once they may have reached 1688: where their outcome is not known,
   * they end in OUTCOME_UNKNOWN (UNKNOWN, pushback -1) instead of
   * UPSTREAM_UNREADABLE, UPSTREAM_UNAVAILABLE, UPSTREAM_FAULT and DEADLINE,
   * which then say that nothing was sent.
   * A call with a `request_id` can also end in REQUEST_ID_REUSED (the id was
   * used with other content), REQUEST_IN_PROGRESS (the first call still runs) and
   * STORE_UNAVAILABLE. Its id is remembered for its caller and RPC. A repeat of
   * one of the three RPCs above whose first call had an unknown outcome is
   * OUTCOME_UNKNOWN, and nothing is sent; any other is sent again.
   * A sync that is called directly while a delivery of the same ordering key is
   * pending would overtake it: DELIVERY_PENDING.
   * </pre>
   */
  public static final class OrderSyncServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<OrderSyncServiceFutureStub> {
    private OrderSyncServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OrderSyncServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OrderSyncServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Tells 1688 of a downstream order, or of what has changed in it (1688:
     * trade.cross.orderSync).
     * Needs the order's id; open-platform needs more, field by field. OK means
     * that 1688 accepted it. That a repeat with the same id replaces what was
     * told before is likely and not documented; the suite relies on it.
     * Errors: the service's common ones, REQUIRED_IN_DIALECT (open-platform),
     * DELIVERY_PENDING, STORE_UNAVAILABLE, and INVALID_REQUEST also for an id
     * that is not a number where national-site needs one.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.SyncOrderResponse> syncOrder(
        nationalsite.ordersync.v1.SyncOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSyncOrderMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells 1688 which purchase orders serve which downstream orders (1688:
     * order.relation.write).
     * national-site takes the list in one call, and its one verdict stands in
     * every result. open-platform takes one relation a call: the suite sends
     * them one by one, a few at a time, and one that fails stops no other.
     * OK once a relation has reached 1688's operation: look into each result.
     * There, a relation that was not sent has UPSTREAM_UNAVAILABLE, DEADLINE or
     * what the gateway refused it with, one that was sent and whose outcome is
     * not known OUTCOME_UNKNOWN; to send either again does no harm, as far as
     * SyncOrder's assumption holds here too. The call itself fails where no
     * relation reached the operation, with the first one's error, and where the
     * replica shuts down meanwhile (DRAINING).
     * Errors: the service's common ones, REQUIRED_IN_DIALECT (open-platform),
     * DELIVERY_PENDING, STORE_UNAVAILABLE, and INVALID_REQUEST also for a
     * downstream id that is not a number where national-site needs one; these
     * before anything is sent.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.WriteOrderRelationsResponse> writeOrderRelations(
        nationalsite.ordersync.v1.WriteOrderRelationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getWriteOrderRelationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells 1688 of a downstream order's new status (1688:
     * trade.cross.orderStatusSync, a name by analogy: none is documented; the
     * suite's settings can give another).
     * Needs the order's id and a status. open-platform has no such operation:
     * there the suite sends the last full order that was synced through it, with
     * the new status in it. A sub-order's own `pay_status` and `end_time` have no
     * place there.
     * Errors: the service's common ones, DELIVERY_PENDING, STORE_UNAVAILABLE,
     * INVALID_REQUEST also for an id that is not a number (national-site) and for
     * a sub-order that the last full order does not have (open-platform), and
     * NO_FULL_SYNC (open-platform: none was synced, or it is kept no more).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.SyncOrderStatusResponse> syncOrderStatus(
        nationalsite.ordersync.v1.SyncOrderStatusRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSyncOrderStatusMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells 1688 of the parcel that brings a downstream order to its buyer
     * (1688: trade.cross.logisticsOrderSync).
     * Needs the ids of order and parcel; open-platform needs more, field by
     * field. Repeats and OK are as in SyncOrder.
     * Errors: those of SyncOrder.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.SyncLogisticsOrderResponse> syncLogisticsOrder(
        nationalsite.ordersync.v1.SyncLogisticsOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSyncLogisticsOrderMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells 1688 of a parcel's new status (1688: trade.cross.logisticsStatusSync,
     * a name by analogy: none is documented; the suite's settings can give
     * another).
     * Needs the parcel's id and a status. open-platform: as SyncOrderStatus, by
     * the last full parcel; `modified_time` is sent as its end time unless it is
     * only on its way.
     * Errors: those of SyncOrderStatus.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.SyncLogisticsStatusResponse> syncLogisticsStatus(
        nationalsite.ordersync.v1.SyncLogisticsStatusRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSyncLogisticsStatusMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid by Alipay (1688:
     * alibaba.alipay.url.get).
     * Needs 1 to 100 purchase orders that wait for payment; up to 30 where they
     * are to be paid by Kuajingbao. Whoever opens the link must be logged in to
     * 1688. Where only some of the orders can be paid, the call succeeds and
     * lists the others. 1688 may deduct stock in this call, so it is not
     * repeated.
     * Errors: the service's common ones, OUTCOME_UNKNOWN, and UPSTREAM_STATE (an
     * invitation order without a receiver cannot be combined with others; stock
     * cannot be deducted).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.GetAlipayUrlResponse> getAlipayUrl(
        nationalsite.ordersync.v1.GetAlipayUrlRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetAlipayUrlMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid by Kuajingbao, 1688's
     * cross-border account (1688: alibaba.crossBorderPay.url.get).
     * Needs 1 to 30 purchase orders that wait for payment; 1688 advises at most
     * 10, since more take long. Where only some of the orders can be paid, the
     * call succeeds and lists the others.
     * Errors: the service's common ones, and UPSTREAM_STATE (none of the orders
     * can be paid by Kuajingbao). 1688 prints a code 400_1 without a meaning:
     * UPSTREAM_REFUSED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse> getCrossBorderPayUrl(
        nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetCrossBorderPayUrlMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets a link under which purchase orders are paid on credit (1688:
     * alibaba.creditPay.url.get).
     * Needs 1 to 30 purchase orders that wait for payment; 1688 advises at most
     * 10, since more take long. Where only some of the orders can be paid, the
     * call succeeds and lists the others.
     * Errors: the service's common ones. 1688 prints one code, 400_1, without a
     * meaning: UPSTREAM_REFUSED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.GetCreditPayUrlResponse> getCreditPayUrl(
        nationalsite.ordersync.v1.GetCreditPayUrlRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetCreditPayUrlMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the ways in which a purchase order can be paid (1688:
     * alibaba.trade.payWay.query).
     * Needs a purchase order of the account whose token the suite uses.
     * Errors: the service's common ones, and UPSTREAM_NOT_OWNED. 1688 prints a
     * code 500_1 without a meaning: UPSTREAM_REFUSED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.ListPayWaysResponse> listPayWays(
        nationalsite.ordersync.v1.ListPayWaysRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListPayWaysMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the reasons that a refund can be asked for with (1688:
     * alibaba.trade.getRefundReasonList).
     * Needs a purchase order, its sub-orders and where the goods are. Reasons
     * depend on all of these: ask anew for every refund.
     * Errors: the service's common ones; UPSTREAM_ARGUMENT also for 1688's codes
     * 5xxx, which are the caller's faults here, UPSTREAM_FAULT for its codes
     * 4xxx, which are its own.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.ListRefundReasonsResponse> listRefundReasons(
        nationalsite.ordersync.v1.ListRefundReasonsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRefundReasonsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Uploads a picture that proves why a refund is asked for (1688:
     * alibaba.trade.uploadRefundVoucher).
     * Needs a JPEG below 1 MiB. A repeat does no harm: it yields another
     * address of the same picture.
     * Errors: the service's common ones. 1688's one code, 4000, is the caller's
     * fault where its text names imageData (UPSTREAM_ARGUMENT); else, since the
     * picture was checked here, 1688's own (UPSTREAM_FAULT).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.UploadRefundVoucherResponse> uploadRefundVoucher(
        nationalsite.ordersync.v1.UploadRefundVoucherRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUploadRefundVoucherMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Asks for a refund, with or without a return of the goods (1688:
     * alibaba.trade.createRefund).
     * Needs everything that is not marked optional. 1688 answers a second
     * request for the same goods as it does a wrong state, so the suite never
     * repeats a call that may have reached it.
     * Errors: the service's common ones, OUTCOME_UNKNOWN (also for 1688's codes
     * 4xxx, its own faults here), ORDER_NOT_FOUND (5001), UPSTREAM_NOT_OWNED
     * (5002), UPSTREAM_STATE (5010: state of order or goods, or asked for
     * before), and UPSTREAM_ARGUMENT also for the state of the goods (5003), the
     * reason (5004), a proof that the reason needs (5005), freight that it does
     * not give back (5006), the amount (5011), the description (5012) and the
     * numbers of pieces (5013). Its code 5100 stands for anything else:
     * UPSTREAM_REFUSED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.CreateRefundResponse> createRefund(
        nationalsite.ordersync.v1.CreateRefundRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateRefundMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells 1688 that the goods of a refund are on their way back to the seller
     * (1688: alibaba.trade.refund.returnGoods).
     * Needs a refund that the seller has agreed to with a return, and the
     * parcel. OK means that 1688 took it. It is not repeated once it may have
     * reached 1688.
     * Errors: the service's common ones, OUTCOME_UNKNOWN (also for 1688's codes
     * 5xxx, its own faults here, and for 4004 where it could not check the
     * parcel), UPSTREAM_CREDENTIAL also for 4001, UPSTREAM_ARGUMENT also for a
     * missing parcel (4002), the vouchers (4003), a parcel that does not fit its
     * company (4004) and a malformed refund id (4008), REFUND_NOT_FOUND (4005),
     * UPSTREAM_NOT_OWNED (4006), and UPSTREAM_STATE (4007: the refund does not
     * wait for a return).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.SubmitReturnGoodsResponse> submitReturnGoods(
        nationalsite.ordersync.v1.SubmitReturnGoodsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSubmitReturnGoodsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Takes a sync on to deliver it, through outages of 1688 and of this
     * service.
     * Needs a request id and one of the five syncs, without a request id of its
     * own. What the dialect needs or cannot carry is refused now; then the sync
     * is stored, and the answer is its delivery. Deliveries of one ordering key
     * are sent one at a time, in the order in which they were enqueued, those of
     * different keys beside each other. One that fails is sent again, later and
     * later, until 1688 accepts it, refuses it in a way that repeating cannot
     * cure, or it has grown too old: the last two make it DEAD, and the next one
     * of its key goes. 1688 may receive a sync more than once.
     * A repeat with the same request id and content answers with the same
     * delivery, as it stands then.
     * Errors: INVALID_REQUEST, REQUIRED_IN_DIALECT (both by paths such as
     * sync_order.order.order_id), REQUEST_ID_REUSED, STORE_UNAVAILABLE,
     * DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.EnqueueSyncResponse> enqueueSync(
        nationalsite.ordersync.v1.EnqueueSyncRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getEnqueueSyncMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads a delivery. A finished one is kept for 30 days.
     * Errors: DELIVERY_NOT_FOUND, INVALID_REQUEST, STORE_UNAVAILABLE, DEADLINE,
     * DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.GetDeliveryResponse> getDelivery(
        nationalsite.ordersync.v1.GetDeliveryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetDeliveryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists deliveries, those enqueued last first.
     * Errors: those of GetDelivery but DELIVERY_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.ListDeliveriesResponse> listDeliveries(
        nationalsite.ordersync.v1.ListDeliveriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDeliveriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Makes a dead delivery pending again, in its old place. A pending one stays
     * as it is.
     * Errors: those of GetDelivery, DELIVERY_STATE (delivered or cancelled), and
     * DELIVERY_OVERTAKEN (a later one of its key has been sent: enqueue what is
     * true now instead).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.RetryDeliveryResponse> retryDelivery(
        nationalsite.ordersync.v1.RetryDeliveryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRetryDeliveryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Cancels a pending delivery. A cancelled one stays as it is. What was sent
     * before, without success, 1688 may still have taken.
     * Errors: those of GetDelivery, and DELIVERY_STATE (finished otherwise, or
     * being sent just now).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.CancelDeliveryResponse> cancelDelivery(
        nationalsite.ordersync.v1.CancelDeliveryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelDeliveryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Hands out some of 1688's messages: what StreamMessages does, for callers
     * that rather ask. Waits while there are none.
     * The answer has no messages where none came in time. Acknowledge them by
     * AckMessages before their leases end. An answer that gets lost holds them
     * back for no longer than that.
     * Errors: INVALID_REQUEST, SUBSCRIPTION_MISMATCH, SUBSCRIPTION_NOT_FOUND (it
     * was deleted meanwhile), STORE_UNAVAILABLE, OVERLOADED (the caller has too
     * many subscriptions), DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.PullMessagesResponse> pullMessages(
        nationalsite.ordersync.v1.PullMessagesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPullMessagesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Acknowledges messages: they are not handed out to this subscription again.
     * What is acknowledged already or not known is passed over.
     * Errors: INVALID_REQUEST, SUBSCRIPTION_NOT_FOUND, STORE_UNAVAILABLE,
     * DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.AckMessagesResponse> ackMessages(
        nationalsite.ordersync.v1.AckMessagesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAckMessagesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lets the leases of messages end at another time: later, while they are
     * worked on, or at once, which gives them back. A lease that has ended stays
     * ended; what is not known is passed over.
     * Errors: those of AckMessages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.SetMessageLeaseResponse> setMessageLease(
        nationalsite.ordersync.v1.SetMessageLeaseRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetMessageLeaseMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the caller's subscriptions and how far behind they are.
     * Errors: STORE_UNAVAILABLE, DEADLINE, DRAINING, INTERNAL_FAULT.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.ListSubscriptionsResponse> listSubscriptions(
        nationalsite.ordersync.v1.ListSubscriptionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListSubscriptionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a subscription of the caller's with all that waits for it. A later
     * use of its name makes a new one.
     * Errors: those of AckMessages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.DeleteSubscriptionResponse> deleteSubscription(
        nationalsite.ordersync.v1.DeleteSubscriptionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteSubscriptionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the messages of a subscription that were handed out too often, those
     * stored last first.
     * Errors: those of AckMessages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.ListDeadMessagesResponse> listDeadMessages(
        nationalsite.ordersync.v1.ListDeadMessagesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDeadMessagesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Hands dead messages out again, as if for the first time. What is not dead
     * is passed over.
     * Errors: those of AckMessages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.RequeueMessagesResponse> requeueMessages(
        nationalsite.ordersync.v1.RequeueMessagesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRequeueMessagesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Asks 1688 now for the messages that it could not push, as the service does
     * by itself every few minutes: stores them, then confirms them to 1688. 1688
     * keeps them for about 7 days.
     * Answers when there are no more. Where it ends early, by an error or the
     * deadline, what was stored stays stored, and the rest comes with the next
     * replay. While another replay runs, anywhere, the answer is OVERLOADED.
     * Errors: the service's common ones, and STORE_UNAVAILABLE.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<nationalsite.ordersync.v1.ReplayMessagesResponse> replayMessages(
        nationalsite.ordersync.v1.ReplayMessagesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReplayMessagesMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_SYNC_ORDER = 0;
  private static final int METHODID_WRITE_ORDER_RELATIONS = 1;
  private static final int METHODID_SYNC_ORDER_STATUS = 2;
  private static final int METHODID_SYNC_LOGISTICS_ORDER = 3;
  private static final int METHODID_SYNC_LOGISTICS_STATUS = 4;
  private static final int METHODID_GET_ALIPAY_URL = 5;
  private static final int METHODID_GET_CROSS_BORDER_PAY_URL = 6;
  private static final int METHODID_GET_CREDIT_PAY_URL = 7;
  private static final int METHODID_LIST_PAY_WAYS = 8;
  private static final int METHODID_LIST_REFUND_REASONS = 9;
  private static final int METHODID_UPLOAD_REFUND_VOUCHER = 10;
  private static final int METHODID_CREATE_REFUND = 11;
  private static final int METHODID_SUBMIT_RETURN_GOODS = 12;
  private static final int METHODID_ENQUEUE_SYNC = 13;
  private static final int METHODID_GET_DELIVERY = 14;
  private static final int METHODID_LIST_DELIVERIES = 15;
  private static final int METHODID_RETRY_DELIVERY = 16;
  private static final int METHODID_CANCEL_DELIVERY = 17;
  private static final int METHODID_PULL_MESSAGES = 18;
  private static final int METHODID_ACK_MESSAGES = 19;
  private static final int METHODID_SET_MESSAGE_LEASE = 20;
  private static final int METHODID_LIST_SUBSCRIPTIONS = 21;
  private static final int METHODID_DELETE_SUBSCRIPTION = 22;
  private static final int METHODID_LIST_DEAD_MESSAGES = 23;
  private static final int METHODID_REQUEUE_MESSAGES = 24;
  private static final int METHODID_REPLAY_MESSAGES = 25;
  private static final int METHODID_STREAM_MESSAGES = 26;

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
        case METHODID_SYNC_ORDER:
          serviceImpl.syncOrder((nationalsite.ordersync.v1.SyncOrderRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncOrderResponse>) responseObserver);
          break;
        case METHODID_WRITE_ORDER_RELATIONS:
          serviceImpl.writeOrderRelations((nationalsite.ordersync.v1.WriteOrderRelationsRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.WriteOrderRelationsResponse>) responseObserver);
          break;
        case METHODID_SYNC_ORDER_STATUS:
          serviceImpl.syncOrderStatus((nationalsite.ordersync.v1.SyncOrderStatusRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncOrderStatusResponse>) responseObserver);
          break;
        case METHODID_SYNC_LOGISTICS_ORDER:
          serviceImpl.syncLogisticsOrder((nationalsite.ordersync.v1.SyncLogisticsOrderRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncLogisticsOrderResponse>) responseObserver);
          break;
        case METHODID_SYNC_LOGISTICS_STATUS:
          serviceImpl.syncLogisticsStatus((nationalsite.ordersync.v1.SyncLogisticsStatusRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SyncLogisticsStatusResponse>) responseObserver);
          break;
        case METHODID_GET_ALIPAY_URL:
          serviceImpl.getAlipayUrl((nationalsite.ordersync.v1.GetAlipayUrlRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetAlipayUrlResponse>) responseObserver);
          break;
        case METHODID_GET_CROSS_BORDER_PAY_URL:
          serviceImpl.getCrossBorderPayUrl((nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse>) responseObserver);
          break;
        case METHODID_GET_CREDIT_PAY_URL:
          serviceImpl.getCreditPayUrl((nationalsite.ordersync.v1.GetCreditPayUrlRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetCreditPayUrlResponse>) responseObserver);
          break;
        case METHODID_LIST_PAY_WAYS:
          serviceImpl.listPayWays((nationalsite.ordersync.v1.ListPayWaysRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListPayWaysResponse>) responseObserver);
          break;
        case METHODID_LIST_REFUND_REASONS:
          serviceImpl.listRefundReasons((nationalsite.ordersync.v1.ListRefundReasonsRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListRefundReasonsResponse>) responseObserver);
          break;
        case METHODID_UPLOAD_REFUND_VOUCHER:
          serviceImpl.uploadRefundVoucher((nationalsite.ordersync.v1.UploadRefundVoucherRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.UploadRefundVoucherResponse>) responseObserver);
          break;
        case METHODID_CREATE_REFUND:
          serviceImpl.createRefund((nationalsite.ordersync.v1.CreateRefundRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.CreateRefundResponse>) responseObserver);
          break;
        case METHODID_SUBMIT_RETURN_GOODS:
          serviceImpl.submitReturnGoods((nationalsite.ordersync.v1.SubmitReturnGoodsRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SubmitReturnGoodsResponse>) responseObserver);
          break;
        case METHODID_ENQUEUE_SYNC:
          serviceImpl.enqueueSync((nationalsite.ordersync.v1.EnqueueSyncRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.EnqueueSyncResponse>) responseObserver);
          break;
        case METHODID_GET_DELIVERY:
          serviceImpl.getDelivery((nationalsite.ordersync.v1.GetDeliveryRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.GetDeliveryResponse>) responseObserver);
          break;
        case METHODID_LIST_DELIVERIES:
          serviceImpl.listDeliveries((nationalsite.ordersync.v1.ListDeliveriesRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListDeliveriesResponse>) responseObserver);
          break;
        case METHODID_RETRY_DELIVERY:
          serviceImpl.retryDelivery((nationalsite.ordersync.v1.RetryDeliveryRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.RetryDeliveryResponse>) responseObserver);
          break;
        case METHODID_CANCEL_DELIVERY:
          serviceImpl.cancelDelivery((nationalsite.ordersync.v1.CancelDeliveryRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.CancelDeliveryResponse>) responseObserver);
          break;
        case METHODID_PULL_MESSAGES:
          serviceImpl.pullMessages((nationalsite.ordersync.v1.PullMessagesRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.PullMessagesResponse>) responseObserver);
          break;
        case METHODID_ACK_MESSAGES:
          serviceImpl.ackMessages((nationalsite.ordersync.v1.AckMessagesRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.AckMessagesResponse>) responseObserver);
          break;
        case METHODID_SET_MESSAGE_LEASE:
          serviceImpl.setMessageLease((nationalsite.ordersync.v1.SetMessageLeaseRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.SetMessageLeaseResponse>) responseObserver);
          break;
        case METHODID_LIST_SUBSCRIPTIONS:
          serviceImpl.listSubscriptions((nationalsite.ordersync.v1.ListSubscriptionsRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListSubscriptionsResponse>) responseObserver);
          break;
        case METHODID_DELETE_SUBSCRIPTION:
          serviceImpl.deleteSubscription((nationalsite.ordersync.v1.DeleteSubscriptionRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.DeleteSubscriptionResponse>) responseObserver);
          break;
        case METHODID_LIST_DEAD_MESSAGES:
          serviceImpl.listDeadMessages((nationalsite.ordersync.v1.ListDeadMessagesRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ListDeadMessagesResponse>) responseObserver);
          break;
        case METHODID_REQUEUE_MESSAGES:
          serviceImpl.requeueMessages((nationalsite.ordersync.v1.RequeueMessagesRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.RequeueMessagesResponse>) responseObserver);
          break;
        case METHODID_REPLAY_MESSAGES:
          serviceImpl.replayMessages((nationalsite.ordersync.v1.ReplayMessagesRequest) request,
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.ReplayMessagesResponse>) responseObserver);
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
        case METHODID_STREAM_MESSAGES:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.streamMessages(
              (io.grpc.stub.StreamObserver<nationalsite.ordersync.v1.StreamMessagesResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getSyncOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.SyncOrderRequest,
              nationalsite.ordersync.v1.SyncOrderResponse>(
                service, METHODID_SYNC_ORDER)))
        .addMethod(
          getWriteOrderRelationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.WriteOrderRelationsRequest,
              nationalsite.ordersync.v1.WriteOrderRelationsResponse>(
                service, METHODID_WRITE_ORDER_RELATIONS)))
        .addMethod(
          getSyncOrderStatusMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.SyncOrderStatusRequest,
              nationalsite.ordersync.v1.SyncOrderStatusResponse>(
                service, METHODID_SYNC_ORDER_STATUS)))
        .addMethod(
          getSyncLogisticsOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.SyncLogisticsOrderRequest,
              nationalsite.ordersync.v1.SyncLogisticsOrderResponse>(
                service, METHODID_SYNC_LOGISTICS_ORDER)))
        .addMethod(
          getSyncLogisticsStatusMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.SyncLogisticsStatusRequest,
              nationalsite.ordersync.v1.SyncLogisticsStatusResponse>(
                service, METHODID_SYNC_LOGISTICS_STATUS)))
        .addMethod(
          getGetAlipayUrlMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.GetAlipayUrlRequest,
              nationalsite.ordersync.v1.GetAlipayUrlResponse>(
                service, METHODID_GET_ALIPAY_URL)))
        .addMethod(
          getGetCrossBorderPayUrlMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.GetCrossBorderPayUrlRequest,
              nationalsite.ordersync.v1.GetCrossBorderPayUrlResponse>(
                service, METHODID_GET_CROSS_BORDER_PAY_URL)))
        .addMethod(
          getGetCreditPayUrlMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.GetCreditPayUrlRequest,
              nationalsite.ordersync.v1.GetCreditPayUrlResponse>(
                service, METHODID_GET_CREDIT_PAY_URL)))
        .addMethod(
          getListPayWaysMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.ListPayWaysRequest,
              nationalsite.ordersync.v1.ListPayWaysResponse>(
                service, METHODID_LIST_PAY_WAYS)))
        .addMethod(
          getListRefundReasonsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.ListRefundReasonsRequest,
              nationalsite.ordersync.v1.ListRefundReasonsResponse>(
                service, METHODID_LIST_REFUND_REASONS)))
        .addMethod(
          getUploadRefundVoucherMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.UploadRefundVoucherRequest,
              nationalsite.ordersync.v1.UploadRefundVoucherResponse>(
                service, METHODID_UPLOAD_REFUND_VOUCHER)))
        .addMethod(
          getCreateRefundMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.CreateRefundRequest,
              nationalsite.ordersync.v1.CreateRefundResponse>(
                service, METHODID_CREATE_REFUND)))
        .addMethod(
          getSubmitReturnGoodsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.SubmitReturnGoodsRequest,
              nationalsite.ordersync.v1.SubmitReturnGoodsResponse>(
                service, METHODID_SUBMIT_RETURN_GOODS)))
        .addMethod(
          getEnqueueSyncMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.EnqueueSyncRequest,
              nationalsite.ordersync.v1.EnqueueSyncResponse>(
                service, METHODID_ENQUEUE_SYNC)))
        .addMethod(
          getGetDeliveryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.GetDeliveryRequest,
              nationalsite.ordersync.v1.GetDeliveryResponse>(
                service, METHODID_GET_DELIVERY)))
        .addMethod(
          getListDeliveriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.ListDeliveriesRequest,
              nationalsite.ordersync.v1.ListDeliveriesResponse>(
                service, METHODID_LIST_DELIVERIES)))
        .addMethod(
          getRetryDeliveryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.RetryDeliveryRequest,
              nationalsite.ordersync.v1.RetryDeliveryResponse>(
                service, METHODID_RETRY_DELIVERY)))
        .addMethod(
          getCancelDeliveryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.CancelDeliveryRequest,
              nationalsite.ordersync.v1.CancelDeliveryResponse>(
                service, METHODID_CANCEL_DELIVERY)))
        .addMethod(
          getStreamMessagesMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.StreamMessagesRequest,
              nationalsite.ordersync.v1.StreamMessagesResponse>(
                service, METHODID_STREAM_MESSAGES)))
        .addMethod(
          getPullMessagesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.PullMessagesRequest,
              nationalsite.ordersync.v1.PullMessagesResponse>(
                service, METHODID_PULL_MESSAGES)))
        .addMethod(
          getAckMessagesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.AckMessagesRequest,
              nationalsite.ordersync.v1.AckMessagesResponse>(
                service, METHODID_ACK_MESSAGES)))
        .addMethod(
          getSetMessageLeaseMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.SetMessageLeaseRequest,
              nationalsite.ordersync.v1.SetMessageLeaseResponse>(
                service, METHODID_SET_MESSAGE_LEASE)))
        .addMethod(
          getListSubscriptionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.ListSubscriptionsRequest,
              nationalsite.ordersync.v1.ListSubscriptionsResponse>(
                service, METHODID_LIST_SUBSCRIPTIONS)))
        .addMethod(
          getDeleteSubscriptionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.DeleteSubscriptionRequest,
              nationalsite.ordersync.v1.DeleteSubscriptionResponse>(
                service, METHODID_DELETE_SUBSCRIPTION)))
        .addMethod(
          getListDeadMessagesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.ListDeadMessagesRequest,
              nationalsite.ordersync.v1.ListDeadMessagesResponse>(
                service, METHODID_LIST_DEAD_MESSAGES)))
        .addMethod(
          getRequeueMessagesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.RequeueMessagesRequest,
              nationalsite.ordersync.v1.RequeueMessagesResponse>(
                service, METHODID_REQUEUE_MESSAGES)))
        .addMethod(
          getReplayMessagesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              nationalsite.ordersync.v1.ReplayMessagesRequest,
              nationalsite.ordersync.v1.ReplayMessagesResponse>(
                service, METHODID_REPLAY_MESSAGES)))
        .build();
  }

  private static abstract class OrderSyncServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    OrderSyncServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return nationalsite.ordersync.v1.OrderSyncServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("OrderSyncService");
    }
  }

  private static final class OrderSyncServiceFileDescriptorSupplier
      extends OrderSyncServiceBaseDescriptorSupplier {
    OrderSyncServiceFileDescriptorSupplier() {}
  }

  private static final class OrderSyncServiceMethodDescriptorSupplier
      extends OrderSyncServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    OrderSyncServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (OrderSyncServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new OrderSyncServiceFileDescriptorSupplier())
              .addMethod(getSyncOrderMethod())
              .addMethod(getWriteOrderRelationsMethod())
              .addMethod(getSyncOrderStatusMethod())
              .addMethod(getSyncLogisticsOrderMethod())
              .addMethod(getSyncLogisticsStatusMethod())
              .addMethod(getGetAlipayUrlMethod())
              .addMethod(getGetCrossBorderPayUrlMethod())
              .addMethod(getGetCreditPayUrlMethod())
              .addMethod(getListPayWaysMethod())
              .addMethod(getListRefundReasonsMethod())
              .addMethod(getUploadRefundVoucherMethod())
              .addMethod(getCreateRefundMethod())
              .addMethod(getSubmitReturnGoodsMethod())
              .addMethod(getEnqueueSyncMethod())
              .addMethod(getGetDeliveryMethod())
              .addMethod(getListDeliveriesMethod())
              .addMethod(getRetryDeliveryMethod())
              .addMethod(getCancelDeliveryMethod())
              .addMethod(getStreamMessagesMethod())
              .addMethod(getPullMessagesMethod())
              .addMethod(getAckMessagesMethod())
              .addMethod(getSetMessageLeaseMethod())
              .addMethod(getListSubscriptionsMethod())
              .addMethod(getDeleteSubscriptionMethod())
              .addMethod(getListDeadMessagesMethod())
              .addMethod(getRequeueMessagesMethod())
              .addMethod(getReplayMessagesMethod())
              .build();
        }
      }
    }
    return result;
  }
}
