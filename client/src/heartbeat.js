// How long a server may stay silent before its connection counts as lost.

/** The timeout until the first heartbeat names an interval: two of the server's default, 15 seconds. */
export const SILENCE_TIMEOUT_MS = 30_000;

/** Two weeks: browsers run a timer with a delay of more than 24 days at once. */
const MAX_SILENCE_TIMEOUT_MS = 14 * 86_400_000;

/**
 * Two heartbeat intervals, so that one late heartbeat does not end the connection. `interval` is in seconds.
 */
export function silenceTimeout(interval) {
  return Math.min(2000 * interval || SILENCE_TIMEOUT_MS, MAX_SILENCE_TIMEOUT_MS);
}
