// Runs consumers for the scenarios of tests/consumers; the README there explains the commands and the events.
import { createInterface } from "node:readline";
import { type JsonValue, fromJson } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { Consumer, type ConsumerOptions, type Handler, connect, parseError } from "@nationalsite/client";
import { SubscriptionSpecSchema } from "@nationalsite/protos/ordersync/v1";

interface Options {
  subscription: string;
  create_if_missing?: JsonValue;
  max_outstanding?: number;
  lease_ms?: number;
  handler_timeout_ms?: number;
  stop_grace_ms?: number;
  ignores_cancellation?: boolean;
}

interface Command {
  command: "run" | "return" | "fail" | "stop";
  consumer: string;
  target: string;
  options: Options;
  message_id: string;
}

/** A consumer whose handlers return when a command says so. */
class RunningConsumer {
  readonly #name: string;
  readonly #ignoresCancellation: boolean;
  readonly #channel: grpc.Channel;
  readonly #consumer: Consumer;
  /** The results of running handlers, by message id. */
  readonly #results = new Map<string, PromiseWithResolvers>();

  constructor({ consumer, target, options }: Command) {
    this.#name = consumer;
    this.#ignoresCancellation = options.ignores_cancellation ?? false;
    this.#channel = connect(target, "orderSync");
    this.#consumer = new Consumer(
      this.#channel,
      options.subscription,
      this.#handle,
      toConsumerOptions(options),
    );
  }

  async run(): Promise<void> {
    const error = await this.#consumer.run().then(() => null, toErrorJson);
    this.#print("ended", { error });
    this.#channel.close();
  }

  stop(): void {
    this.#consumer.stop();
  }

  /** Lets a handler return, or throw an error. */
  end(messageId: string, error?: Error): void {
    const { resolve, reject } = this.#results.get(messageId)!;
    error ? reject(error) : resolve();
  }

  readonly #handle: Handler = async ({ messageId }, { signal, received }) => {
    const result = withResolvers();
    this.#results.set(messageId, result);
    signal.addEventListener("abort", () => {
      this.#print("cancelled", { message_id: messageId });
      if (!this.#ignoresCancellation) result.reject(signal.reason);
    });
    this.#print("started", { message_id: messageId, delivery_attempt: received.deliveryAttempt });
    await result.promise;
  };

  #print(event: string, members: object): void {
    console.log(JSON.stringify({ event, consumer: this.#name, ...members }));
  }
}

interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
}

function withResolvers(): PromiseWithResolvers {
  let [resolve, reject]: [() => void, (error: Error) => void] = [() => {}, () => {}];
  const promise = new Promise<void>((onReturn, onError) => ([resolve, reject] = [onReturn, onError]));
  return { promise, resolve, reject };
}

function toConsumerOptions(options: Options): ConsumerOptions {
  const { create_if_missing, max_outstanding, lease_ms, handler_timeout_ms, stop_grace_ms } = options;
  return {
    ...(create_if_missing !== undefined && {
      createIfMissing: fromJson(SubscriptionSpecSchema, create_if_missing),
    }),
    ...(max_outstanding !== undefined && { maxOutstanding: max_outstanding }),
    ...(lease_ms !== undefined && { leaseMs: lease_ms }),
    ...(handler_timeout_ms !== undefined && { handlerTimeoutMs: handler_timeout_ms }),
    ...(stop_grace_ms !== undefined && { stopGraceMs: stop_grace_ms }),
  };
}

function toErrorJson(error: unknown): object {
  const details = parseError(error);
  return {
    code: details ? grpc.status[details.code] : "",
    reason: details?.reasonName ?? "",
    text: `${error}`,
  };
}

const consumers = new Map<string, RunningConsumer>();
for await (const line of createInterface({ input: process.stdin })) {
  const command: Command = JSON.parse(line);
  if (command.command === "run") {
    const started = new RunningConsumer(command);
    consumers.set(command.consumer, started);
    void started.run();
    continue;
  }
  const consumer = consumers.get(command.consumer)!;
  if (command.command === "stop") consumer.stop();
  else consumer.end(command.message_id, command.command === "fail" ? new Error("simulated") : undefined);
}
process.exit(0);
