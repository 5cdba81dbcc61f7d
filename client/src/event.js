// What listeners receive.

/** What a listener receives: a MessageEvent (`data`, `lastEventId`, `origin`) that can read its own data. */
export class SseEvent extends MessageEvent {
  #read;
  get value() { return (this.#read ??= read(this.data)).value; }
  /** Not called `timestamp`, because every DOM event has a `timeStamp` of another meaning. */
  get time() { return (this.#read ??= read(this.data)).time; }
}

function read(data) {
  let json;
  try {
    json = JSON.parse(data);
  } catch {
    return { value: data };
  }
  const isSaved = json !== null && typeof json === 'object' && 'value' in json && 'timestamp' in json;
  return isSaved ? { value: json.value, time: String(json.timestamp) } : { value: json };
}
