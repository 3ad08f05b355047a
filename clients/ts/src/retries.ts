// Calls that are repeated if that is safe.
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { backoffMs, pause } from "./backoff.js";
import type { CallOptions, UnaryCall } from "./clients.js";
import { type ErrorDetails, parseError } from "./errors.js";

export interface RetryOptions extends CallOptions {
  /** How long all attempts together may take. */
  readonly timeoutMs: number;
  /** The first attempt included. Default: 3. */
  readonly maxAttempts?: number;
}

/**
 * Makes a call, and repeats it after an error that permits this (`mayRepeat`).
 *
 * An error without a reason comes from gRPC itself, and the call may have been executed. It is then repeated
 * only if the method has no side effects, or if the request has a `requestId`, which makes the service
 * execute it once.
 *
 * Waits before each retry with exponential backoff, at least as long as the service says. Throws the last
 * error, at once if the wait would exceed the timeout.
 */
export async function callWithRetries<I extends DescMessage, O extends DescMessage>(
  call: UnaryCall<I, O>,
  request: MessageInitShape<I>,
  { timeoutMs, maxAttempts = 3, ...options }: RetryOptions,
): Promise<MessageShape<O>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(request, { ...options, timeoutMs: deadlineMs - performance.now() });
    } catch (error) {
      const details = parseError(error);
      if (!details || attempt >= maxAttempts || !isRepeatable(details, call.method, request)) throw error;
      const delayMs = Math.max(details.retryDelayMs ?? 0, backoffMs(attempt));
      if (performance.now() + delayMs >= deadlineMs) throw error;
      await pause(delayMs, options.signal);
    }
  }
}

function isRepeatable({ mayRepeat, reasonName }: ErrorDetails, method: DescMethod, request: object): boolean {
  if (!mayRepeat || reasonName) return mayRepeat;
  const hasRequestId = "requestId" in request && request.requestId !== "" && request.requestId !== undefined;
  return hasRequestId || method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}
