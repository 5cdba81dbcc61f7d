// This file belongs to actix-web-sse: `sse install` refreshes it. Your own listeners go into sse-client.js.
// @ts-check

/** The first wait before a new connection, doubled with every failure. */
const BACKOFF_FIRST_MS = 1000;
const BACKOFF_MAX_MS = 30_000;

/**
 * How long a lost connection may take to come back before the status says so. The server ends streams
 * by plan and EventSource returns within a moment; nobody needs to see that.
 */
const GRACE_MS = 2000;

/**
 * `idle`: no connection was tried yet. `connecting`: the first try. `open`: events arrive.
 * `reconnecting`: the connection is lost or was refused, and is tried again. `closed`: `close()` was
 * called. `unsupported`: this environment has no EventSource; listeners may be added and stay silent.
 * @typedef {'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed' | 'unsupported'} Status
 */

/**
 * @typedef {object} SseClientOptions
 * @property {boolean} [withCredentials] send cookies to another origin, as in EventSource
 * @property {string[]} [events] ask the server for these events alone; left out or empty: for all
 * @property {string} [lastEventId] go on after the event with this id
 */

/** @typedef {(value: any, event: SseEvent) => any} Listener */

/** What a listener receives: a MessageEvent (`data`, `lastEventId`, `origin`) that can read its own data. */
export class SseEvent extends MessageEvent {
  /** @type {{ value: any, time: string | undefined } | undefined} */ #read;

  /** The saved value; of data that holds none, the JSON itself, and of data that is no JSON, the text. */
  get value() { return (this.#read ??= read(this.data)).value; }

  /**
   * When the value was saved, in the server's words (RFC 3339), or undefined. It is not called
   * `timestamp` because every DOM event has a `timeStamp` of another meaning.
   */
  get time() { return (this.#read ??= read(this.data)).time; }
}

/** @param {any} data @returns {{ value: any, time: string | undefined }} */
function read(data) {
  let json;
  try {
    json = JSON.parse(data);
  } catch {
    return { value: data, time: undefined };
  }
  if (json !== null && typeof json === 'object' && 'value' in json && 'timestamp' in json) {
    return { value: json.value, time: String(json.timestamp) };
  }
  return { value: json, time: undefined };
}

/**
 * A stream of events, used like an EventSource, that does not give up.
 *
 *     const sse = new SseClient();
 *     sse.addEventListener('event_name1', (event) => JSON.parse(event.data).timestamp);
 *     sse.on('event_name1', (value, event) => console.log(value, event.time, event.lastEventId));
 *
 * Beside the server's events and `open`, `message` and `error` there are three whose names the server
 * keeps free, so that they meet no event of yours: `sse.status` (value: the new status), `sse.gap`
 * (value: `{ reason }`; something may have been missed, so load afresh what must be complete), and
 * `sse.heartbeat`. Add listeners in the same turn that makes the client: what was saved while the page
 * loaded arrives with the first bytes.
 */
export class SseClient extends EventTarget {
  static get CONNECTING() { return 0; }
  static get OPEN() { return 1; }
  static get CLOSED() { return 2; }
  get CONNECTING() { return 0; }
  get OPEN() { return 1; }
  get CLOSED() { return 2; }

  /** @type {((this: SseClient, event: Event) => any) | null} */ onopen = null;
  /** @type {((this: SseClient, event: SseEvent) => any) | null} */ onmessage = null;
  /** @type {((this: SseClient, event: Event) => any) | null} */ onerror = null;

  #url = '';
  #withCredentials = false;
  #lastEventId = '';
  /** @type {Status} */ #status = 'idle';
  /** @type {EventSource | undefined} */ #source;
  /** The names that every native source must listen to. @type {Set<string>} */
  #names = new Set(['message', 'sse.heartbeat', 'sse.gap']);
  /** By name: the functions given to `on` and `once`, and the listeners around them.
   * @type {Map<string, Map<Listener, EventListener>>} */
  #wrapped = new Map();
  /** Connections refused since the last one that opened. */
  #failures = 0;
  #wasOpen = false;
  /** True while a connection is made that cannot tell the server where the last one ended. */
  #placeLost = false;
  /** @type {any} */ #graceTimer;
  /** @type {any} */ #retryTimer;

  /**
   * @param {string | URL} [url] relative to the page, as in EventSource
   * @param {SseClientOptions} [options]
   */
  constructor(url = '/sse/stream', { withCredentials = false, events = [], lastEventId = '' } = {}) {
    super();
    this.#withCredentials = Boolean(withCredentials);
    this.#lastEventId = String(lastEventId);
    super.addEventListener('open', (event) => this.onopen?.call(this, event));
    super.addEventListener('error', (event) => this.onerror?.call(this, event));
    super.addEventListener('message', (event) => this.onmessage?.call(this, /** @type {SseEvent} */ (event)));
    if (typeof globalThis.EventSource !== 'function') {
      this.#url = String(url);
      this.#status = 'unsupported';
      return;
    }
    this.#url = withQuery(new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href), {
      events: events.join(','),
    });
    this.#connect();
  }

  /** The stream's address, with the events asked for and without the place in the stream. */
  get url() { return this.#url; }
  get withCredentials() { return this.#withCredentials; }
  /** The id of the last event heard, heartbeats included; empty before the first. */
  get lastEventId() { return this.#lastEventId; }
  get status() { return this.#status; }

  /** As in EventSource, but CLOSED only after `close()`, for the client always tries again. */
  get readyState() {
    if (this.#status === 'closed' || this.#status === 'unsupported') return this.CLOSED;
    return this.#source?.readyState === this.OPEN ? this.OPEN : this.CONNECTING;
  }

  /**
   * As in EventSource; the listener is called with an SseEvent.
   * @param {string} name
   * @param {any} listener
   * @param {boolean | AddEventListenerOptions} [options]
   */
  addEventListener(name, listener, options) {
    super.addEventListener(name, listener, options);
    // A native source delivers named events only to who asks for them by name.
    if (name === 'open' || name === 'error' || name === 'sse.status' || this.#names.has(name)) return;
    this.#names.add(name);
    this.#source?.addEventListener(name, this.#forward);
  }

  /**
   * Calls `listener(value, event)` for every event of this name: the saved value, and the SseEvent with
   * `time`, `lastEventId`, `data`. The same function is registered once for a name; the last call of
   * `on` or `once` counts. Returns a function that takes the listener away again.
   * @param {string} name
   * @param {Listener} listener
   */
  on(name, listener) { return this.#register(name, listener, false); }

  /** Like `on`, for the next event alone. @param {string} name @param {Listener} listener */
  once(name, listener) { return this.#register(name, listener, true); }

  /** Takes away what `on` or `once` registered. @param {string} name @param {Listener} listener */
  off(name, listener) {
    const wrapped = this.#wrapped.get(name)?.get(listener);
    if (!wrapped) return;
    this.removeEventListener(name, wrapped);
    this.#wrapped.get(name)?.delete(listener);
  }

  /** Closes the stream for good. */
  close() {
    if (this.#status === 'closed' || this.#status === 'unsupported') return;
    this.#source?.close();
    this.#source = undefined;
    clearTimeout(this.#retryTimer);
    this.#setStatus('closed');
  }

  /** @param {string} name @param {Listener} listener @param {boolean} once */
  #register(name, listener, once) {
    if (typeof listener !== 'function') throw new TypeError(`the listener for ${name} is not a function`);
    this.off(name, listener);
    /** @param {any} event */
    const wrapped = (event) => {
      if (once) this.off(name, listener);
      // `open` and `error` are plain events and have no value.
      listener(event.value, event);
    };
    if (!this.#wrapped.has(name)) this.#wrapped.set(name, new Map());
    this.#wrapped.get(name)?.set(listener, wrapped);
    this.addEventListener(name, wrapped);
    return () => {
      if (this.#wrapped.get(name)?.get(listener) === wrapped) this.off(name, listener);
    };
  }

  #connect() {
    this.#placeLost = this.#wasOpen && this.#lastEventId === '';
    const url = withQuery(new URL(this.#url), { last_event_id: this.#lastEventId });
    const source = new EventSource(url, { withCredentials: this.#withCredentials });
    this.#source = source;
    source.addEventListener('open', () => this.#opened(source));
    source.addEventListener('error', () => this.#failed(source));
    for (const name of this.#names) source.addEventListener(name, this.#forward);
    if (this.#status === 'idle') this.#setStatus('connecting');
  }

  /** @param {MessageEvent} native */
  #forward = (native) => {
    if (native.currentTarget !== this.#source) return;
    const { data, lastEventId, origin } = native;
    // A new source knows no id until the server names one; ours is still the place to return to.
    this.#lastEventId = lastEventId || this.#lastEventId;
    this.dispatchEvent(new SseEvent(native.type, { data, lastEventId, origin }));
  };

  /** @param {EventSource} source */
  #opened(source) {
    if (source !== this.#source) return;
    this.#failures = 0;
    this.#wasOpen = true;
    this.#setStatus('open');
    if (source === this.#source) this.dispatchEvent(new Event('open'));
    if (source !== this.#source || !this.#placeLost) return;
    this.#placeLost = false;
    const data = JSON.stringify({ reason: 'the connection was lost before the stream named a place to return to' });
    this.dispatchEvent(new SseEvent('sse.gap', { data, origin: new URL(this.#url).origin }));
  }

  /** @param {EventSource} source */
  #failed(source) {
    if (source !== this.#source) return;
    if (source.readyState === this.CLOSED) {
      // EventSource gives up for ever on any answer that is no stream, such as a 503 during a deploy.
      this.#source = undefined;
      const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** this.#failures);
      this.#failures += 1;
      // Half of the wait is chance, so that the clients of a restarted server do not return as one.
      this.#retryTimer = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
      this.#setStatus('reconnecting');
    } else if (this.#status === 'open' && this.#graceTimer === undefined) {
      this.#graceTimer = setTimeout(() => this.#setStatus('reconnecting'), GRACE_MS);
    } else {
      this.#setStatus('reconnecting');
    }
    if (this.#status !== 'closed') this.dispatchEvent(new Event('error'));
  }

  /** @param {Status} status */
  #setStatus(status) {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
    if (this.#status === status) return;
    this.#status = status;
    this.dispatchEvent(new SseEvent('sse.status', { data: status, lastEventId: this.#lastEventId }));
  }
}

export default SseClient;

/** The address with these parameters set; an empty one leaves it alone.
 * @param {URL} url @param {Record<string, string>} parameters */
function withQuery(url, parameters) {
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value);
  return url.href;
}
