// Exponential backoff with jitter, and waits that can be ended.
import { setTimeout as sleep } from "node:timers/promises";

const INITIAL_BACKOFF_MS = 200;
export const MAX_BACKOFF_MS = 20_000;
/** A longer timer of Node.js fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Returns the pause after a number of failures in a row, 1 or more. It doubles with each failure. Half of it
 * is random, so that clients that failed together do not retry together.
 */
export function backoffMs(failures: number): number {
  const fullMs = Math.min(INITIAL_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
  return (fullMs * (1 + Math.random())) / 2;
}

/** Waits; ends early, without an error, when the signal is aborted. */
export async function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  await sleep(Math.min(delayMs, MAX_TIMER_MS), undefined, signal && { signal }).catch(() => {});
}

/** Waits for a promise; returns whether it was fulfilled or rejected within the time. */
export async function isSettledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const settled = new AbortController();
  const timeout = pause(timeoutMs, settled.signal).then(() => false);
  try {
    return await Promise.race([Promise.allSettled([promise]).then(() => true), timeout]);
  } finally {
    settled.abort();
  }
}
