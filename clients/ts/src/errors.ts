// The details of a failed call: its reason, and everything else that the service sent.
import { type Message, createRegistry, fromBinary, getOption, isMessage } from "@bufbuild/protobuf";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { ErrorReason, ErrorReasonSchema, Retry, rule } from "@nationalsite/protos/errors/v1";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
  file_google_rpc_error_details,
} from "@nationalsite/protos/google/rpc/error_details";
import { type Status, StatusSchema } from "@nationalsite/protos/google/rpc/status";

/** A request field that breaks a rule. */
export interface FieldViolation {
  /** Path in the request, with the names of the proto, such as `sort.order`. */
  readonly field: string;
  /** For people. */
  readonly description: string;
  /** The rule, for programs, such as `STRING_MAX_LEN`. */
  readonly reason: string;
}

/** The status of a failed call, or of one failed result, with its details. */
export interface ErrorDetails {
  /** `grpc.status[code]` is its name. */
  readonly code: grpc.status;
  /** For people. Programs decide by `reason`. */
  readonly message: string;
  /** UNSPECIFIED if gRPC itself failed, or if the reason is newer than these stubs. */
  readonly reason: ErrorReason;
  /** The reason as sent, such as `ERROR_REASON_OFFER_NOT_FOUND`. Empty if gRPC itself failed, or a proxy. */
  readonly reasonName: string;
  /** Whether a retry makes sense, by the rule of the reason. UNSPECIFIED if the reason is. */
  readonly retry: Retry;
  /**
   * Whether the same call may be made again, by the error alone: false if a retry is useless, or could
   * execute the call twice. `callWithRetries` also regards the method and the request.
   */
  readonly mayRepeat: boolean;
  /**
   * Metadata of ErrorInfo: `source`, `operation`, `dialect`, 1688's own `upstreamCode` and `upstreamMessage`, and
   * what else the rule of the reason lists.
   */
  readonly metadata: Readonly<Record<string, string>>;
  readonly fieldViolations: readonly FieldViolation[];
  /** How long to wait before a retry. Undefined if the service does not say. */
  readonly retryDelayMs: number | undefined;
  /** The retry delay that gRPC's own retries obey; negative means do not retry. Undefined if there is none. */
  readonly pushbackMs: number | undefined;
  /** All details of a known type, in the order in which they were sent. */
  readonly details: readonly Message[];
}

/** Of the reasons of the services. Proxies have reasons of their own. */
const DOMAIN = "nationalsite";
const DETAIL_TYPES = createRegistry(file_google_rpc_error_details);

/** Returns the details of a call's error, or undefined if the error does not come from a call. */
export function parseError(error: unknown): ErrorDetails | undefined {
  if (!isServiceError(error)) return undefined;
  const [status] = error.metadata.get("grpc-status-details-bin");
  const [pushbackMs] = error.metadata.get("grpc-retry-pushback-ms");
  return buildDetails(error.code, error.details, decodeDetails(status), parsePushback(pushbackMs?.toString()));
}

/** Returns the details of the status of one result of WriteOrderRelations, or undefined if it is OK. */
export function parseStatus(status: Status | undefined): ErrorDetails | undefined {
  if (!status || status.code === grpc.status.OK) return undefined;
  const code = status.code in grpc.status ? status.code : grpc.status.UNKNOWN;
  return buildDetails(code, status.message, unpackDetails(status), undefined);
}

function isServiceError(error: unknown): error is grpc.ServiceError {
  return error instanceof Error && "metadata" in error && error.metadata instanceof grpc.Metadata;
}

/** Returns the details of the status in the trailer; none if something else was sent. */
function decodeDetails(status: grpc.MetadataValue | undefined): Message[] {
  if (!(status instanceof Uint8Array)) return [];
  try {
    return unpackDetails(fromBinary(StatusSchema, status));
  } catch {
    return []; // the call's code and message are still valid
  }
}

/** Returns the details of known types, without those that cannot be decoded. */
function unpackDetails(status: Status): Message[] {
  return status.details.flatMap((detail) => {
    try {
      return anyUnpack(detail, DETAIL_TYPES) ?? [];
    } catch {
      return [];
    }
  });
}

/** Like gRPC's own retries, takes anything but a number for "do not retry". */
function parsePushback(milliseconds: string | undefined): number | undefined {
  if (milliseconds === undefined) return undefined;
  return /^-?\d+$/.test(milliseconds) ? Number(milliseconds) : -1;
}

function buildDetails(
  code: grpc.status,
  message: string,
  details: Message[],
  pushbackMs: number | undefined,
): ErrorDetails {
  const info = details
    .filter((detail) => isMessage(detail, ErrorInfoSchema))
    .find(({ domain }) => domain === DOMAIN);
  const retryInfo = details.find((detail) => isMessage(detail, RetryInfoSchema));
  const badRequest = details.find((detail) => isMessage(detail, BadRequestSchema));
  const reason = ErrorReasonSchema.values.find((value) => value.name === info?.reason);
  const error = {
    code,
    message,
    reason: reason?.number ?? ErrorReason.UNSPECIFIED,
    reasonName: info?.reason ?? "",
    retry: reason ? getOption(reason, rule).retry : Retry.UNSPECIFIED,
    metadata: info?.metadata ?? {},
    fieldViolations:
      badRequest?.fieldViolations.map(({ field, description, reason }) => ({ field, description, reason })) ?? [],
    retryDelayMs: retryInfo && (retryInfo.retryDelay ? durationMs(retryInfo.retryDelay) : 0),
    pushbackMs,
    details,
  };
  return { ...error, mayRepeat: mayRepeat(error) };
}

function mayRepeat(error: Omit<ErrorDetails, "mayRepeat">): boolean {
  if (error.retry !== Retry.UNSPECIFIED) return error.retry === Retry.AFTER_DELAY;
  if (error.reasonName) return error.retryDelayMs !== undefined; // a reason that is newer than these stubs
  return error.code === grpc.status.UNAVAILABLE && (error.pushbackMs ?? 0) >= 0;
}
