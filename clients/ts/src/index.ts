// A thin library beside @nationalsite/protos: channels, typed clients, error details, the reads after messages,
// money.
export { type ConnectOptions, type Service, connect } from "./channels.js";
export { type CallOptions, type Client, type StreamCall, type UnaryCall, createClient } from "./clients.js";
export { type ErrorDetails, type FieldViolation, parseError, parseStatus } from "./errors.js";
export { type MessageRead, listMessageReads } from "./message_reads.js";
export { formatMoney, parseMoney } from "./money.js";
