// The event that listeners receive.

/** A MessageEvent (`data`, `lastEventId`, `origin`) that also gives the saved value and its time. */
export class SseEvent extends MessageEvent {
  #parsed;
  get value() {
    this.#parsed ??= parse(this.data);
    return this.#parsed.value;
  }
  /** Not called `timestamp`, because every DOM event has a `timeStamp` with another meaning. */
  get time() {
    this.#parsed ??= parse(this.data);
    return this.#parsed.time;
  }
}

function parse(data) {
  let json;
  try {
    json = JSON.parse(data);
  } catch {
    return { value: data };
  }
  const isEnvelope = json !== null && typeof json === 'object' && 'value' in json && 'timestamp' in json;
  return isEnvelope ? { value: json.value, time: String(json.timestamp) } : { value: json };
}
