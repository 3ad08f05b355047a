// What a failed call tells: the reason, and what came with it.
import { type Message, createRegistry, fromBinary, isMessage } from "@bufbuild/protobuf";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { ErrorReason, ErrorReasonSchema } from "@nationalsite/protos/errors/v1";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
  file_google_rpc_error_details,
} from "@nationalsite/protos/google/rpc/error_details";
import { type Status, StatusSchema } from "@nationalsite/protos/google/rpc/status";

/** A field that breaks a rule. */
export interface Violation {
  /** Its path in the request, as the proto names it, such as `sort.order`. */
  readonly field: string;
  readonly description: string;
}

/** A failed call, or one result that is none. */
export interface Failure {
  /** `grpc.status[status]` is its name. */
  readonly status: grpc.status;
  /** For people; act by the reason. */
  readonly message: string;
  /** UNSPECIFIED where gRPC itself failed, and where the reason is newer than these stubs. */
  readonly reason: ErrorReason;
  /** As it came, such as `ERROR_REASON_OFFER_NOT_FOUND`; empty where gRPC itself failed. */
  readonly reasonName: string;
  /** What ErrorInfo adds: `source`, `operation`, 1688's own `code` and `message`, its `upstream_request_id`. */
  readonly info: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  /** After how many milliseconds a repeat may help; undefined: the service does not say. */
  readonly retryDelayMs: number | undefined;
  /** The same as gRPC's own retries read it: negative = never repeat. */
  readonly pushbackMs: number | undefined;
  /** All details of a known type, in their order. */
  readonly details: readonly Message[];
}

const KNOWN = createRegistry(file_google_rpc_error_details);

/** Returns what an error of a call tells; undefined where it is none, but a fault of the program, say. */
export function failure(error: unknown): Failure | undefined {
  if (!isServiceError(error)) return undefined;
  const [rich] = error.metadata.get("grpc-status-details-bin");
  const [pushback] = error.metadata.get("grpc-retry-pushback-ms");
  return read(error.code, error.details, unpacked(rich), pushback?.toString());
}

/** Returns what one result of WriteOrderRelations tells; undefined where it is OK. */
export function failedResult(status: Status): Failure | undefined {
  if (status.code === grpc.status.OK) return undefined;
  const code = status.code in grpc.status ? status.code : grpc.status.UNKNOWN;
  return read(code, status.message, known(status), undefined);
}

function isServiceError(error: unknown): error is grpc.ServiceError {
  return error instanceof Error && "metadata" in error && error.metadata instanceof grpc.Metadata;
}

/** The details of the rich status; none where somebody on the way sent what is no status. */
function unpacked(rich: grpc.MetadataValue | undefined): Message[] {
  if (!(rich instanceof Uint8Array)) return [];
  try {
    return known(fromBinary(StatusSchema, rich));
  } catch {
    return []; // the status itself still stands
  }
}

function known(status: Status): Message[] {
  return status.details.flatMap((detail) => anyUnpack(detail, KNOWN) ?? []);
}

function read(status: grpc.status, message: string, details: Message[], pushback: string | undefined): Failure {
  const info = details.find((detail) => isMessage(detail, ErrorInfoSchema));
  const retry = details.find((detail) => isMessage(detail, RetryInfoSchema));
  const badRequest = details.find((detail) => isMessage(detail, BadRequestSchema));
  const reason = ErrorReasonSchema.values.find((value) => value.name === info?.reason);
  return {
    status,
    message,
    reason: reason?.number ?? ErrorReason.UNSPECIFIED,
    reasonName: info?.reason ?? "",
    info: info?.metadata ?? {},
    violations: badRequest?.fieldViolations.map(({ field, description }) => ({ field, description })) ?? [],
    retryDelayMs: retry?.retryDelay && durationMs(retry.retryDelay),
    pushbackMs: pushback === undefined ? undefined : pushbackOf(pushback),
    details,
  };
}

/** What is no number means never, as for gRPC's own retries. */
function pushbackOf(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : -1;
}
