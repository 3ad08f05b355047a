// A thin companion to @nationalsite/protos: channels, typed clients, failures, money.
export { type ConnectOptions, type Service, connect } from "./channels.js";
export { type CallOptions, type Client, type Stream, type Unary, createClient } from "./clients.js";
export { type Failure, type Violation, failedResult, failure } from "./failures.js";
export { decimalOf, moneyOf } from "./money.js";
