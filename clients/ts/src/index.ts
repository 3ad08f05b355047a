// A thin library beside @nationalsite/protos: channels, typed clients, error details and retries, a consumer
// of messages and the reads after them, deliveries, pages, money.
export { type ConnectOptions, type Service, connect } from "./channels.js";
export { type CallOptions, type Client, type StreamCall, type UnaryCall, createClient } from "./clients.js";
export { Consumer } from "./consumer.js";
export type { ConsumerLogger, ConsumerOptions } from "./consumer_options.js";
export { type WaitOptions, waitForDelivery } from "./deliveries.js";
export { type ErrorDetails, type FieldViolation, parseError, parseStatus } from "./errors.js";
export { type Handler, type HandlerContext, LeaseLapsedError } from "./in_flight.js";
export { type MessageRead, listMessageReads } from "./message_reads.js";
export { moneyToText, parseMoney } from "./money.js";
export { iteratePages } from "./pages.js";
export { type RelationResult, pairResults } from "./relation_results.js";
export { type RetryOptions, callWithRetries } from "./retries.js";
