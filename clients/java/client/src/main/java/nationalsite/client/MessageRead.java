package nationalsite.client;

import com.google.protobuf.Message;

/**
 * A call of OrderSyncService that reads what a message is about.
 *
 * @param rpc name of the RPC, such as GetPurchaseOrder
 * @param request its request, such as a GetPurchaseOrderRequest
 */
public record MessageRead(String rpc, Message request) {}
