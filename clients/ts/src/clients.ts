// Typed clients: from a service's descriptor to grpc-js, which knows bytes only.
import { Readable, type Writable } from "node:stream";
import {
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
  create,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";

export interface CallOptions {
  /** How long the call may take. Give every call one: without it the service's own default holds. */
  readonly timeoutMs?: number;
  /** Aborting it cancels the call. */
  readonly signal?: AbortSignal;
  /** Metadata to send. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Gets the metadata that comes before the response. */
  readonly onHeader?: (metadata: grpc.Metadata) => void;
}

/** Rejects with a grpc.ServiceError, which `failure` reads. */
export type Unary<I extends DescMessage, O extends DescMessage> = (
  request: MessageInitShape<I>,
  options?: CallOptions,
) => Promise<MessageShape<O>>;

/**
 * The call begins with the first response that is asked for. Leaving the loop over responses cancels it; the
 * end of the requests is told to the server. Throws a grpc.ServiceError, or what the requests throw.
 */
export type Stream<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageInitShape<I>>,
  options?: CallOptions,
) => AsyncGenerator<MessageShape<O>, void, undefined>;

/** A function for each RPC. */
export type Client<S extends DescService> = {
  readonly [M in keyof S["method"]]: S["method"][M] extends DescMethodUnary<infer I, infer O>
    ? Unary<I, O>
    : S["method"][M] extends DescMethodBiDiStreaming<infer I, infer O>
      ? Stream<I, O>
      : never; // no service has another kind
};

type Call = Pick<grpc.ClientUnaryCall, "cancel" | "once">;

/** Returns a client of a service. Its calls are made on the channel, which stays the caller's to close. */
export function createClient<S extends DescService>(service: S, channel: grpc.Channel): Client<S> {
  const client = new grpc.Client(channel.getTarget(), grpc.credentials.createInsecure(), {
    channelOverride: channel, // and so neither the address nor the credentials are used
  });
  return Object.fromEntries(
    service.methods.map((method) => [
      method.localName,
      method.methodKind === "bidi_streaming" ? stream(client, method) : unary(client, method),
    ]),
  ) as unknown as Client<S>;
}

function unary(client: grpc.Client, method: DescMethod): Unary<DescMessage, DescMessage> {
  return async (request, options = {}) => {
    options.signal?.throwIfAborted();
    let release = () => {};
    try {
      return await new Promise((resolve, reject) => {
        const call = client.makeUnaryRequest(
          ...wire(method),
          request,
          metadata(options),
          deadline(options),
          (error, response) => (error ? reject(error) : resolve(response!)),
        );
        release = observe(call, options);
      });
    } finally {
      release();
    }
  };
}

function stream(client: grpc.Client, method: DescMethod): Stream<DescMessage, DescMessage> {
  return async function* (requests, options = {}) {
    options.signal?.throwIfAborted();
    const call = client.makeBidiStreamRequest(...wire(method), metadata(options), deadline(options));
    const release = observe(call, options);
    const source = Readable.from(requests);
    source.on("error", (error) => call.destroy(error));
    call.on("error", () => source.destroy()); // the loop below throws it
    source.pipe(call as unknown as Writable); // its types know of messages only
    try {
      yield* call;
    } finally {
      release();
      source.destroy();
      call.cancel();
    }
  };
}

/** The path of a method, and how its messages become bytes and come from them. */
function wire({ input, output, name, parent }: DescMethod) {
  const serialize = (request: MessageInitShape<DescMessage>) => {
    const bytes = toBinary(input, create(input, request));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  return [`/${parent.typeName}/${name}`, serialize, (bytes: Buffer) => fromBinary(output, bytes)] as const;
}

function metadata(options: CallOptions): grpc.Metadata {
  const sent = new grpc.Metadata();
  for (const [name, value] of Object.entries(options.metadata ?? {})) sent.set(name, value);
  return sent;
}

function deadline({ timeoutMs }: CallOptions): grpc.CallOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

/** Hands out the header and cancels by the signal, until the function that it returns is called. */
function observe(call: Call, { onHeader, signal }: CallOptions): () => void {
  if (onHeader) call.once("metadata", onHeader);
  const cancel = () => call.cancel();
  signal?.addEventListener("abort", cancel);
  return () => signal?.removeEventListener("abort", cancel);
}
