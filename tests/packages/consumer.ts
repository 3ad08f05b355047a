// What a consumer of @nationalsite/protos writes; compiled with --strict, and run.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AccountService } from "@nationalsite/protos/account/v1";
import { ErrorReason } from "@nationalsite/protos/errors/v1";
import { ErrorInfoSchema } from "@nationalsite/protos/google/rpc/error_details";
import { StatusSchema } from "@nationalsite/protos/google/rpc/status";
import { type Money, MoneySchema } from "@nationalsite/protos/google/type/money";
import { OrderSyncService } from "@nationalsite/protos/ordersync/v1";
import { GetProductDetailRequestSchema, ProductService } from "@nationalsite/protos/product/v1";
import * as configs from "@nationalsite/protos/service_configs";

const price: Money = create(MoneySchema, { currencyCode: "CNY", units: 12n });
const request = create(GetProductDetailRequestSchema, { offerId: 9007199254740993n });
const read = fromBinary(GetProductDetailRequestSchema, toBinary(GetProductDetailRequestSchema, request));

console.log(
  JSON.stringify({
    id: read.offerId.toString(),
    currency: price.currencyCode,
    reason: ErrorReason[ErrorReason.OFFER_NOT_FOUND],
    details: [StatusSchema.typeName, ErrorInfoSchema.typeName],
    services: [AccountService, OrderSyncService, ProductService].map((service) => service.typeName),
    kind: OrderSyncService.method.streamMessages.methodKind,
    health: JSON.parse(configs.product).healthCheckConfig.serviceName,
  }),
);
