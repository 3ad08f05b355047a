// What the scenarios of tests/consumers cannot show.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { OrderSyncService } from "@nationalsite/protos/ordersync/v1";
import {
  Consumer,
  type ConsumerOptions,
  type Handler,
  LeaseLapsedError,
  connect,
} from "@nationalsite/client";
import { RequestQueue } from "../src/request_queue.js";
import { serve } from "./server.js";

type Stream = grpc.ServerDuplexStream<any, any>;

/** Starts a server; `onStream` gets each stream that a consumer opens. Returns the host:port. */
async function serveStreams(t: TestContext, onStream: (stream: Stream) => void): Promise<string> {
  return serve(t, OrderSyncService, {
    streamMessages: (stream: Stream) => {
      stream.on("end", () => stream.end());
      stream.resume();
      onStream(stream);
    },
  });
}

function openChannel(t: TestContext, address: string): grpc.Channel {
  const channel = connect(address, "orderSync");
  t.after(() => channel.close());
  return channel;
}

const deliver = (stream: Stream, ...ids: string[]) =>
  stream.write({
    response: {
      case: "delivered",
      value: {
        receivedMessages: ids.map((id) => ({
          ackId: `${id}#1`,
          deliveryAttempt: 1,
          message: { messageId: id, topic: "T" },
        })),
      },
    },
  });
const lapse = (stream: Stream, ...ackIds: string[]) =>
  stream.write({ response: { case: "lapsed", value: { ackIds } } });

/** Runs a consumer whose stream gets one message; returns why the handler's signal was aborted. */
async function abortHandler(
  t: TestContext,
  options: ConsumerOptions,
  abort: (consumer: Consumer, stream: Stream) => void,
): Promise<unknown> {
  let stream: Stream | undefined;
  const address = await serveStreams(t, (opened) => deliver((stream = opened), "1"));
  const warnings: string[] = [];
  const logger = { info: () => {}, warn: (text: string) => warnings.push(text) };
  let reason: unknown;
  const handler: Handler = async (_, { signal }) => {
    abort(consumer, stream!);
    await once(signal, "abort");
    reason = signal.reason;
    consumer.stop();
    signal.throwIfAborted();
  };
  const consumer = new Consumer(openChannel(t, address), "shop", handler, { ...options, logger });
  await consumer.run();
  const isLapsed = reason instanceof LeaseLapsedError;
  assert.deepEqual(warnings, [`${isLapsed ? "lease_lapsed" : "handler_failed"} message_id=1 topic=T`]);
  return reason;
}

test("the reason of a handler's signal says why it was aborted", async (t) => {
  const onTimeout = await abortHandler(t, { handlerTimeoutMs: 50 }, () => {});
  assert.equal((onTimeout as Error).name, "TimeoutError");
  const onStop = await abortHandler(t, { stopGraceMs: 50 }, (consumer) => consumer.stop());
  assert.equal((onStop as Error).name, "AbortError");
  const onLapse = await abortHandler(t, {}, (_, stream) => lapse(stream, "1#1"));
  assert.ok(onLapse instanceof LeaseLapsedError);
});

test("a stream that breaks three times in a row is a warning", async (t) => {
  const lines: string[] = [];
  const logger = {
    info: (text: string) => lines.push(`info ${text}`),
    warn: (text: string) => {
      lines.push(`warn ${text}`);
      consumer.stop();
    },
  };
  const error = { code: grpc.status.UNAVAILABLE, details: "simulated" };
  const address = await serveStreams(t, (stream) => stream.emit("error", error));
  const consumer = new Consumer(openChannel(t, address), "shop", () => {}, { logger });
  await consumer.run();
  const line = "stream_ended code=UNAVAILABLE reason= message=simulated";
  assert.deepEqual(lines, [`info ${line}`, `info ${line}`, `warn ${line}`]);
});

test("a signal stops the consumer, and run leaves no listener on it", async (t) => {
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  t.mock.method(signal, "addEventListener", function (this: AbortSignal, ...args: [any, any]) {
    listeners += 1;
    EventTarget.prototype.addEventListener.apply(this, args);
  });
  t.mock.method(signal, "removeEventListener", () => (listeners -= 1));
  const address = await serveStreams(t, (stream) => deliver(stream, "1"));
  const consumer = new Consumer(openChannel(t, address), "shop", () => controller.abort());
  await consumer.run({ signal });
  assert.equal(listeners, 0);
});

test("a consumer that was stopped before it runs opens no stream, and runs only once", async (t) => {
  let streams = 0;
  const address = await serveStreams(t, () => (streams += 1));
  const channel = openChannel(t, address);
  const stopped = new Consumer(channel, "shop", () => {});
  stopped.stop();
  await stopped.run();
  await new Consumer(channel, "shop", () => {}).run({ signal: AbortSignal.abort() });
  assert.equal(streams, 0);
  await assert.rejects(stopped.run(), /runs only once/);
});

test("an error of the handlers' program is no reason to end the consumer, also if it is thrown at once", async (t) => {
  const acks: string[][] = [];
  const address = await serveStreams(t, (stream) => {
    deliver(stream, "1", "2");
    stream.on("data", ({ request }) => request.case === "ack" && acks.push(request.value.ackIds));
  });
  const logger = { info: () => {}, warn: () => {} };
  const handler: Handler = ({ messageId }) => {
    if (messageId === "1") throw new Error("simulated");
    consumer.stop();
  };
  const consumer = new Consumer(openChannel(t, address), "shop", handler, { logger });
  await consumer.run();
  assert.deepEqual(acks, [["2#1"]]);
});

test("many handlers that fail at the same time cause no warning about listeners", async (t) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  t.after(() => process.off("warning", onWarning));
  const ids = Array.from({ length: 100 }, (_, index) => `${index}`);
  const released = new Set<string>();
  const address = await serveStreams(t, (stream) => {
    deliver(stream, ...ids);
    stream.on("data", ({ request }) => {
      if (request.case !== "setLease") return;
      for (const ackId of request.value.ackIds) released.add(ackId);
      if (released.size === ids.length) consumer.stop();
    });
  });
  const logger = { info: () => {}, warn: () => {} };
  const handler = () => Promise.reject(new Error("simulated"));
  const consumer = new Consumer(openChannel(t, address), "shop", handler, { maxOutstanding: 100, logger });
  await consumer.run();
  assert.deepEqual(warnings, []);
});

test(
  "a process can exit when run has ended, although its channel is open",
  { timeout: 20_000 },
  async (t) => {
    const address = await serveStreams(t, (stream) => deliver(stream, "ok", "fails", "is aborted"));
    const program = `
    import { Consumer, connect } from "@nationalsite/client";
    const handler = ({ messageId }, { signal }) => {
      if (messageId === "fails") throw new Error("simulated");
      if (messageId === "ok") return;
      setImmediate(() => consumer.stop());
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const options = { stopGraceMs: 100, logger: { info() {}, warn() {} } };
    const consumer = new Consumer(connect("${address}", "orderSync"), "shop", handler, options);
    await consumer.run();
    console.log(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length);
  `;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program]);
    const printed = child.stdout.setEncoding("utf8").toArray();
    const [code] = await once(child, "exit");
    assert.deepEqual([code, (await printed).join("")], [0, "0\n"]);
  },
);

test("invalid options are rejected", (t) => {
  const channel = openChannel(t, "localhost:1");
  const invalid: ConsumerOptions[] = [
    { maxOutstanding: 0 },
    { maxOutstanding: 1_001 },
    { leaseMs: 9_999 },
    { handlerTimeoutMs: Infinity }, // a timer of Node.js would fire at once
    { stopGraceMs: NaN },
  ];
  for (const options of invalid) {
    assert.throws(
      () => new Consumer(channel, "shop", () => {}, options),
      RangeError,
      JSON.stringify(options),
    );
  }
});

test("a queue whose stream takes nothing does not grow with each extension of the leases", async () => {
  const queue = new RequestQueue();
  for (let extension = 0; extension < 1_000; extension++) queue.setLease(["1", "2"], 60_000);
  queue.setLease(["2"], 0);
  queue.ack("3");
  queue.close();
  const requests = [];
  for await (const { request } of queue.read()) requests.push(request);
  assert.deepEqual(
    requests.map((request) => [request?.case, (request?.value as { ackIds: string[] }).ackIds]),
    [
      ["ack", ["3"]],
      ["setLease", ["1"]],
      ["setLease", ["2"]],
    ],
  );
});
