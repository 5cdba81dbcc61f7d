// How long a server may stay silent before its connection counts as lost.

/** The timeout until the first heartbeat names an interval: two of the server's default, 15 seconds. */
export const SILENCE_TIMEOUT_MS = 30_000;

/**
 * Two heartbeat intervals, so that one late heartbeat does not end the connection. `interval` is in seconds.
 */
export function silenceTimeout(interval) {
  return 2000 * interval || SILENCE_TIMEOUT_MS;
}
