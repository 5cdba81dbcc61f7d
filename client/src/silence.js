// How long nothing may be heard.

/** How long a server may be silent that has not said yet how often it is heard, or take to answer. */
export const SILENCE_MS = 30_000;

/** After two heartbeats that did not come, at an interval in seconds as the server names it. */
export function silenceAfter(interval) { return 2000 * interval || SILENCE_MS; }
