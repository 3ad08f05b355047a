// What a case calls, and the messages of it.
import { Readable } from "node:stream";
import {
  type DescMessage,
  type JsonValue,
  type Message,
  type MessageShape,
  createRegistry,
  fromJson,
  toJson,
} from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import * as grpc from "@grpc/grpc-js";
import {
  type CallOptions,
  type Failure,
  type Service,
  type Stream,
  type Unary,
  createClient,
} from "@nationalsite/client";
import { AccountService } from "@nationalsite/protos/account/v1";
import { file_google_rpc_error_details } from "@nationalsite/protos/google/rpc/error_details";
import { OrderSyncService } from "@nationalsite/protos/ordersync/v1";
import { ProductService } from "@nationalsite/protos/product/v1";
import { differences } from "./differences.js";

export interface Case {
  readonly at: string;
  readonly rpc: string;
  readonly request: JsonValue;
  readonly deadline_ms?: number;
  readonly metadata?: Record<string, string>;
  readonly cancel_after_ms?: number;
  readonly validate?: boolean;
  readonly stream?: readonly Step[];
  readonly expect: Record<string, any>;
}

type Step = { readonly send: JsonValue } | { readonly receive: JsonValue };
type Found = Record<string, unknown>;

const SERVICES = { account: AccountService, orderSync: OrderSyncService, product: ProductService } as const;
const DETAILS = createRegistry(file_google_rpc_error_details);
const VALIDATOR = createValidator();

export class Call {
  readonly service: Service;
  readonly #case: Case;
  readonly #method;

  constructor(asked: Case) {
    const [serviceName, methodName] = asked.rpc.split("/");
    const found = Object.entries(SERVICES).find(([, service]) => service.typeName === serviceName);
    const method = found?.[1].methods.find(({ name }) => name === methodName);
    if (!found || !method) throw new Error(`no RPC ${asked.rpc}`);
    this.service = found[0] as Service;
    this.#case = asked;
    this.#method = method;
  }

  async unary(channel: grpc.Channel): Promise<Found> {
    const call = this.#on(channel) as Unary<DescMessage, DescMessage>;
    const { cancel_after_ms: afterMs } = this.#case;
    let header = new grpc.Metadata();
    const options = this.#options((came) => (header = came));
    const signal = afterMs === undefined ? {} : { signal: AbortSignal.timeout(afterMs) };
    const response = await call(this.#request(this.#case.request), { ...options, ...signal });
    return { response: this.#json(response), metadata: header.getMap() };
  }

  async stream(channel: grpc.Channel, steps: readonly Step[]): Promise<Found> {
    const call = this.#on(channel) as Stream<DescMessage, DescMessage>;
    const says = new Readable({ objectMode: true, read() {} });
    const responses = call(says, this.#options());
    for (const step of steps) {
      if ("send" in step) {
        says.push(this.#request(step.send));
      } else {
        const { value } = await responses.next();
        const unlike = [...differences(step.receive, value && this.#json(value), "receive")];
        if (unlike.length) {
          await responses.return();
          return { status: unlike.join("; ") };
        }
      }
    }
    says.push(null);
    const more: JsonValue[] = [];
    for await (const response of responses) more.push(this.#json(response));
    return more.length ? { status: `OK, after ${JSON.stringify(more)}` } : {};
  }

  violations(): Found[] {
    const { violations = [] } = VALIDATOR.validate(this.#method.input, this.#request(this.#case.request));
    return violations.map(({ field, ruleId }) => ({ field: pathToString(field), rule: ruleId }));
  }

  /** The companion's function for the RPC. */
  #on(channel: grpc.Channel): unknown {
    const client: Record<string, unknown> = createClient(SERVICES[this.service], channel);
    return client[this.#method.localName];
  }

  #options(onHeader: (metadata: grpc.Metadata) => void = () => {}): CallOptions {
    return { timeoutMs: this.#case.deadline_ms ?? 10_000, metadata: this.#case.metadata ?? {}, onHeader };
  }

  #request(fields: JsonValue): MessageShape<DescMessage> {
    return fromJson(this.#method.input, fields);
  }

  #json(message: Message): JsonValue {
    return toJson(this.#method.output, message, { registry: DETAILS, useProtoFieldName: true });
  }
}

/** A failure with the names that `expect` has for its parts. */
export function failed(told: Failure): Found {
  return {
    status: grpc.status[told.status],
    message: told.message,
    details: told.details.map(({ $typeName }) => $typeName),
    reason: told.reasonName,
    error_info: told.info,
    bad_fields: told.violations.map(({ field }) => field),
    retry_delay_ms: told.retryDelayMs,
    pushback_ms: told.pushbackMs,
  };
}
