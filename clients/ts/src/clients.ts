// Typed clients. They connect a service's descriptor to grpc-js, which sends and receives bytes.
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
  /** How long the call may take. Set it for every call. Without it, the service's default applies. */
  readonly timeoutMs?: number;
  /** Aborting it cancels the call. */
  readonly signal?: AbortSignal;
  /** Metadata to send. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Called at the end of the call with the trailing metadata, which tells more about the response. */
  readonly onTrailer?: (metadata: grpc.Metadata) => void;
}

export interface UnaryCall<I extends DescMessage, O extends DescMessage> {
  /** Rejects with a grpc.ServiceError; `parseError` returns its details. */
  (request: MessageInitShape<I>, options?: CallOptions): Promise<MessageShape<O>>;
  /** The descriptor of the method. */
  readonly method: DescMethodUnary<I, O>;
}

/**
 * The call starts when the first response is requested. Leaving the loop over the responses cancels it. When the
 * requests end, the client closes its side of the stream. Throws a grpc.ServiceError, or the error of the requests.
 */
export type StreamCall<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageInitShape<I>>,
  options?: CallOptions,
) => AsyncGenerator<MessageShape<O>, void, undefined>;

/** A function for each RPC. */
export type Client<S extends DescService> = {
  readonly [M in keyof S["method"]]: S["method"][M] extends DescMethodUnary<infer I, infer O>
    ? UnaryCall<I, O>
    : S["method"][M] extends DescMethodBiDiStreaming<infer I, infer O>
      ? StreamCall<I, O>
      : never; // the services have no other kind of method
};

type ActiveCall = Pick<grpc.ClientUnaryCall, "cancel" | "once">;

/** Returns a client of a service. It uses the channel; the caller remains responsible for closing that. */
export function createClient<S extends DescService>(service: S, channel: grpc.Channel): Client<S> {
  const client = new grpc.Client(channel.getTarget(), grpc.credentials.createInsecure(), {
    channelOverride: channel, // replaces the address and the credentials
  });
  return Object.fromEntries(
    service.methods.map((method) => [
      method.localName,
      method.methodKind === "unary" ? unaryCall(client, method) : streamCall(client, method),
    ]),
  ) as unknown as Client<S>;
}

function unaryCall(client: grpc.Client, method: DescMethod): UnaryCall<DescMessage, DescMessage> {
  const call = async (request: MessageInitShape<DescMessage>, options: CallOptions = {}) => {
    options.signal?.throwIfAborted();
    let stopObserving = () => {};
    try {
      return await new Promise<MessageShape<DescMessage>>((resolve, reject) => {
        const active = client.makeUnaryRequest(
          ...wireFormat(method),
          request,
          toMetadata(options),
          toDeadline(options),
          (error, response) => (error ? reject(error) : resolve(response!)),
        );
        stopObserving = observe(active, options);
      });
    } finally {
      stopObserving();
    }
  };
  return Object.assign(call, { method: method as DescMethodUnary });
}

function streamCall(client: grpc.Client, method: DescMethod): StreamCall<DescMessage, DescMessage> {
  return async function* (requests, options = {}) {
    options.signal?.throwIfAborted();
    const call = client.makeBidiStreamRequest(...wireFormat(method), toMetadata(options), toDeadline(options));
    const stopObserving = observe(call, options);
    const source = Readable.from(requests);
    source.on("error", (error) => call.destroy(error));
    call.on("error", () => source.destroy()); // the loop below throws the error
    source.pipe(call as unknown as Writable); // the declared type accepts only messages
    try {
      yield* call;
    } finally {
      stopObserving();
      source.destroy();
      call.cancel();
    }
  };
}

/** Returns the path of a method, and the functions that encode its requests and decode its responses. */
function wireFormat({ input, output, name, parent }: DescMethod) {
  const encode = (request: MessageInitShape<DescMessage>) => {
    const bytes = toBinary(input, create(input, request));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  return [`/${parent.typeName}/${name}`, encode, (bytes: Buffer) => fromBinary(output, bytes)] as const;
}

function toMetadata(options: CallOptions): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
  return metadata;
}

function toDeadline({ timeoutMs }: CallOptions): grpc.CallOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

/** Passes on the trailing metadata, and cancels the call on the signal, until the returned function is called. */
function observe(call: ActiveCall, { onTrailer, signal }: CallOptions): () => void {
  if (onTrailer) call.once("status", ({ metadata }: grpc.StatusObject) => onTrailer(metadata));
  const cancel = () => call.cancel();
  signal?.addEventListener("abort", cancel);
  return () => signal?.removeEventListener("abort", cancel);
}
