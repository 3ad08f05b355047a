// An in-process server of one service, with the handlers of a test.
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { type DescService, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";

/** Handlers of grpc-js by the method's local name in the descriptor. */
export type Handlers = Record<string, grpc.handleUnaryCall<any, any> | grpc.handleBidiStreamingCall<any, any>>;

/** Starts a server that stops with the test; returns its host:port. */
export async function serve(test: TestContext, service: DescService, handlers: Handlers): Promise<string> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  server.addService(toDefinition(service), handlers);
  const plaintext = grpc.ServerCredentials.createInsecure();
  const port = await promisify(server.bindAsync).call(server, "127.0.0.1:0", plaintext);
  test.after(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

function toDefinition(service: DescService): grpc.ServiceDefinition {
  return Object.fromEntries(
    service.methods.map(({ input, output, localName, methodKind, name }) => [
      localName,
      {
        path: `/${service.typeName}/${name}`,
        requestStream: methodKind === "bidi_streaming",
        responseStream: methodKind === "bidi_streaming",
        requestSerialize: (message: any) => Buffer.from(toBinary(input, create(input, message))),
        requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes),
        responseSerialize: (message: any) => Buffer.from(toBinary(output, create(output, message))),
        responseDeserialize: (bytes: Buffer) => fromBinary(output, bytes),
      },
    ]),
  );
}
