// What the server answers to a request for the stream.

/** Enough for an error message; an error page of any size is not kept in memory. */
const MAX_BODY_LENGTH = 4096;

export function isEventStream({ status, headers }) {
  return status === 200 && /^\s*text\/event-stream\s*(;|$)/i.test(headers.get('content-type'));
}

/** Why a response is not a stream. */
export async function refusal(response) {
  const body = (await response.text()).slice(0, MAX_BODY_LENGTH);
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}
