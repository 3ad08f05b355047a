// The reads that follow a message of 1688's, which itself has few details.
import { type DescField, type DescMessage, type MessageShape, create } from "@bufbuild/protobuf";
import { type MessageReadRow, messageReads } from "@nationalsite/protos/message_reads";
import { type Message, MessageSchema, OrderSyncService } from "@nationalsite/protos/ordersync/v1";

/** The functions of a client of OrderSyncService that read what a message is about. */
type ReadFunction = Uncapitalize<MessageReadRow["rpc"]>;
type ReadRequest<F extends ReadFunction> = MessageShape<(typeof OrderSyncService.method)[F]["input"]>;

/** A call of OrderSyncService: `rpc` is the name of the client's function, such as `getPurchaseOrder`. */
export type MessageRead = {
  [F in ReadFunction]: { readonly rpc: F; readonly request: ReadRequest<F> };
}[ReadFunction];

/**
 * Returns the calls that read what a message is about, in the order in which to make them.
 *
 * There are none for a message without a payload, or without the ids that the calls need. A topic that is newer
 * than this library has the reads of its payload.
 */
export function listMessageReads(message: Message): MessageRead[] {
  const { case: name, value: event } = message.payload;
  const payload = MessageSchema.fields.find(({ localName }) => localName === name);
  if (!payload || !event) return [];
  const schema = payload.message as DescMessage; // each payload is a message
  return messageReads
    .filter((row) => row.payload === payload.name)
    .filter((row) => !row.topics.length || row.topics.includes(message.topic))
    .flatMap((row) => listReads(row, schema, event));
}

/** Returns a read for each value of the first path. Values of the other paths are added. */
function listReads(row: MessageReadRow, schema: DescMessage, event: object): MessageRead[] {
  const rpc = `${row.rpc.charAt(0).toLowerCase()}${row.rpc.slice(1)}` as ReadFunction;
  const input: DescMessage = OrderSyncService.method[rpc].input;
  const [first = "", ...others] = row.fields;
  const further = others.flatMap((path) =>
    listValues(schema, event, path).map((value) => [findField(input, path.split(".").at(-1)).localName, value]),
  );
  const firstName = findField(input, first.split(".").at(-1)).localName;
  return listValues(schema, event, first).map((value) => {
    const request = create(input, Object.fromEntries([[firstName, value], ...further]));
    return { rpc, request } as MessageRead; // the row has the request of its RPC
  });
}

/** Returns the values to which a path leads, each once, without those that are not set. */
function listValues(schema: DescMessage, message: object, path: string): unknown[] {
  const [name, ...rest] = path.split(".");
  const field = findField(schema, name);
  const value = (message as Record<string, unknown>)[field.localName];
  const values = field.fieldKind === "list" ? (value as unknown[]) : [value];
  const nested = field.message;
  if (!nested) return [...new Set(values.filter(Boolean))];
  return [...new Set(values.flatMap((each) => (each ? listValues(nested, each, rest.join(".")) : [])))];
}

function findField(schema: DescMessage, name: string | undefined): DescField {
  const field = schema.fields.find((each) => each.name === name);
  if (!field) throw new Error(`${schema.typeName} has no field ${name}`);
  return field;
}
