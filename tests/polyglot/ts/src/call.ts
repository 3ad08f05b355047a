// The call of a case, and its result.
import { Readable } from "node:stream";
import {
  type DescMessage,
  type DescMethod,
  type JsonValue,
  type Message,
  type MessageShape,
  create,
  createRegistry,
  fromJson,
  isMessage,
  toJson,
} from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import * as grpc from "@grpc/grpc-js";
import {
  type CallOptions,
  type ErrorDetails,
  type Service,
  type StreamCall,
  type UnaryCall,
  createClient,
  listMessageReads,
  parseError,
} from "@nationalsite/client";
import { AccountService } from "@nationalsite/protos/account/v1";
import { Retry } from "@nationalsite/protos/errors/v1";
import { file_google_rpc_error_details } from "@nationalsite/protos/google/rpc/error_details";
import {
  MessageSchema,
  OrderSyncService,
  type PullMessagesResponse,
  PullMessagesResponseSchema,
} from "@nationalsite/protos/ordersync/v1";
import { ProductService } from "@nationalsite/protos/product/v1";
import { compare } from "./compare.js";
import type { Saved } from "./saved.js";

export interface Case {
  readonly target: string;
  readonly rpc: string;
  readonly request: JsonValue;
  readonly timeout_ms?: number;
  readonly metadata?: Record<string, string>;
  readonly cancel_after_ms?: number;
  readonly validate?: boolean;
  readonly stream?: readonly StreamStep[];
  readonly save?: Record<string, string>;
  readonly expect: Record<string, any>;
}

type StreamStep =
  | { readonly send: JsonValue }
  | { readonly receive: JsonValue; readonly save?: Record<string, string> };

/** The result of a call, with the names of the members of `expect`. */
export type Result = Record<string, unknown>;

const SERVICES = { account: AccountService, orderSync: OrderSyncService, product: ProductService } as const;
const DETAIL_TYPES = createRegistry(file_google_rpc_error_details);
const VALIDATOR = createValidator();

export class Call {
  readonly #case: Case;
  readonly #saved: Saved;
  readonly #service: Service;
  readonly #method: DescMethod;

  constructor(testCase: Case, saved: Saved) {
    const [serviceName, methodName] = testCase.rpc.split("/");
    const entry = Object.entries(SERVICES).find(([, service]) => service.typeName === serviceName);
    const method = entry?.[1].methods.find(({ name }) => name === methodName);
    if (!entry || !method) throw new Error(`no RPC ${testCase.rpc}`);
    this.#case = testCase;
    this.#saved = saved;
    this.#service = entry[0] as Service;
    this.#method = method;
  }

  async run(getChannel: (target: string, service: Service) => grpc.Channel): Promise<Result> {
    if (this.#case.validate) return this.#validate();
    const channel = getChannel(this.#case.target, this.#service);
    try {
      const result = this.#case.stream ? this.#stream(channel, this.#case.stream) : this.#unary(channel);
      return { status: "OK", ...(await result) };
    } catch (error) {
      const details = parseError(error);
      if (!details) throw error;
      return describeError(details);
    }
  }

  async #unary(channel: grpc.Channel): Promise<Result> {
    const call = this.#clientFunction(channel) as UnaryCall<DescMessage, DescMessage>;
    const { cancel_after_ms: delayMs } = this.#case;
    let trailer = new grpc.Metadata();
    const options = this.#buildOptions((metadata) => (trailer = metadata));
    const cancellation = delayMs === undefined ? {} : { signal: AbortSignal.timeout(delayMs) };
    const response = await call(this.#buildRequest(this.#case.request), { ...options, ...cancellation });
    const result = { response: this.#toJson(response), trailing_metadata: trailer.getMap() };
    return isMessage(response, PullMessagesResponseSchema) ? { ...result, reads: listReads(response) } : result;
  }

  async #stream(channel: grpc.Channel, steps: readonly StreamStep[]): Promise<Result> {
    const call = this.#clientFunction(channel) as StreamCall<DescMessage, DescMessage>;
    const requests = new Readable({ objectMode: true, read() {} });
    const responses = call(requests, this.#buildOptions());
    for (const unfilled of steps) {
      const step = this.#saved.fill(unfilled);
      if ("send" in step) {
        requests.push(this.#buildRequest(step.send));
        continue;
      }
      const { value } = await responses.next();
      const response = value ? this.#toJson(value) : null;
      const differences = [...compare(step.receive, response, "receive")];
      if (differences.length) {
        await responses.return();
        return { status: differences.join("; ") };
      }
      this.#saved.add(step.save, response);
    }
    requests.push(null);
    const unexpected: JsonValue[] = [];
    for await (const response of responses) unexpected.push(this.#toJson(response));
    return unexpected.length ? { status: `OK, after ${JSON.stringify(unexpected)}` } : {};
  }

  #validate(): Result {
    const request = this.#buildRequest(this.#case.request);
    const { violations = [] } = VALIDATOR.validate(this.#method.input, request);
    return { violations: violations.map(({ field, ruleId }) => ({ field: pathToString(field), rule: ruleId })) };
  }

  /** Returns the client's function for the RPC. */
  #clientFunction(channel: grpc.Channel): unknown {
    const client: Record<string, unknown> = createClient(SERVICES[this.#service], channel);
    return client[this.#method.localName];
  }

  #buildOptions(onTrailer: (metadata: grpc.Metadata) => void = () => {}): CallOptions {
    return { timeoutMs: this.#case.timeout_ms ?? 10_000, metadata: this.#case.metadata ?? {}, onTrailer };
  }

  #buildRequest(fields: JsonValue): MessageShape<DescMessage> {
    return fromJson(this.#method.input, fields);
  }

  #toJson(message: Message): JsonValue {
    return toJson(this.#method.output, message, { registry: DETAIL_TYPES, useProtoFieldName: true });
  }
}

/** Returns the reads that follow each message. */
function listReads({ receivedMessages }: PullMessagesResponse): JsonValue {
  return receivedMessages.map(({ message }) =>
    listMessageReads(message ?? create(MessageSchema)).map(({ rpc, request }) => {
      const { input, name }: DescMethod = OrderSyncService.method[rpc];
      return { rpc: name, request: toJson(input, request, { useProtoFieldName: true }) };
    }),
  );
}

function describeError(details: ErrorDetails): Result {
  return {
    status: grpc.status[details.code],
    message: details.message,
    details: details.details.map(({ $typeName }) => $typeName),
    reason: details.reasonName,
    error_metadata: details.metadata,
    retry: `RETRY_${Retry[details.retry]}`,
    invalid_fields: details.fieldViolations.map(({ field }) => field),
    violated_rules: details.fieldViolations.map(({ reason }) => reason),
    retry_delay_ms: details.retryDelayMs,
    pushback_ms: details.pushbackMs,
  };
}
