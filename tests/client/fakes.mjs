// Fakes of the browser APIs that the client uses: a clock, requests, locks, channels and storage.

const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, now: Date.now };

/** The longest chain of promises in the client is shorter than this many turns of the event loop. */
const SETTLE_TURNS = 20;

/** Lets all promises settle that wait for nothing but other promises. */
export async function settle() {
  for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Browsers keep delays as 32-bit numbers, and run a timer with a longer delay at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** A clock that a test moves. */
export class FakeClock {
  #now = real.now();
  #nextId = 1;
  #timers = new Map();

  constructor() {
    globalThis.setTimeout = (callback, delay = 0) => {
      const id = this.#nextId;
      this.#nextId += 1;
      this.#timers.set(id, { callback, at: this.#now + (delay > MAX_DELAY_MS ? 1 : delay) });
      return id;
    };
    globalThis.clearTimeout = (timer) => this.#timers.delete(timer);
    Date.now = () => this.#now;
  }

  get timers() {
    return this.#timers.size;
  }

  async tick(time) {
    const end = this.#now + time;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      if (due.length === 0) break;
      const [timer, { callback, at }] = due.reduce((first, other) =>
        other[1].at < first[1].at ? other : first,
      );
      this.#timers.delete(timer);
      this.#now = at;
      callback();
      await settle();
    }
    this.#now = end;
  }

  /** The machine sleeps: the wall clock advances, timers do not. */
  sleep(time) {
    this.#now += time;
    for (const timer of this.#timers.values()) timer.at += time;
  }

  restore() {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
    Date.now = real.now;
  }
}

/** A saved value as the server sends it. */
export const envelope = (value) => ({ timestamp: '2026-11-23T15:51:00.123Z', value });

/** One call of `fetch`, and the response to it. */
export class FakeRequest {
  static all = [];
  /** Answers each request at once, if it is set. */
  static answer;
  isOpen = true;

  static get last() {
    return FakeRequest.all.at(-1);
  }

  static get allOpen() {
    return FakeRequest.all.filter((request) => request.isOpen);
  }

  constructor(url, options) {
    this.url = new URL(url);
    this.options = options;
    this.response = new Promise((resolve, reject) => {
      Object.assign(this, { resolve, reject });
    });
    this.body = new ReadableStream({
      start: (controller) => {
        this.controller = controller;
      },
    });
    options.signal.addEventListener('abort', () => this.#error(new DOMException('aborted', 'AbortError')));
    FakeRequest.all.push(this);
    FakeRequest.answer?.(this);
  }

  query(name) {
    return this.url.searchParams.get(name);
  }

  async respond(status, headers = {}, body = null) {
    const response = new Response(body, { status, headers });
    Object.defineProperty(response, 'url', { value: this.url.href });
    this.resolve(response);
    if (body !== this.body) this.isOpen = false;
    await settle();
  }

  /** The stream begins. With an id, its first event is a heartbeat with that id. An identity precedes it. */
  async open(id, identity) {
    await this.respond(200, { 'content-type': 'text/event-stream' }, this.body);
    const comment = identity ? `: identity ${identity}\n` : '';
    if (id !== undefined) await this.send(`${comment}id: ${id}\nevent: sse.heartbeat\ndata: 15\n\n`);
  }

  async send(text) {
    this.controller.enqueue(new TextEncoder().encode(text));
    await settle();
  }

  async sendEvent(name, id, value) {
    await this.send(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(envelope(value))}\n\n`);
  }

  /** The server ends the stream. */
  async end() {
    this.isOpen = false;
    this.controller.close();
    await settle();
  }

  /** The network fails, before the response or while it is read. */
  async fail() {
    this.#error(new TypeError('network error'));
    await settle();
  }

  #error(error) {
    this.isOpen = false;
    this.reject(error);
    try {
      this.controller.error(error);
    } catch {
      // The body has ended.
    }
  }
}

/** Web Locks as the standard defines them: one holder for each name, a queue, and `steal`. */
export class FakeLocks {
  #held = new Map();
  #queues = new Map();

  request(name, { steal = false }, callback) {
    return new Promise((resolve, reject) => {
      const request = { callback, resolve, reject };
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      if (steal) {
        this.#held.get(name)?.reject(new DOMException('stolen', 'AbortError'));
        this.#held.delete(name);
        queue.unshift(request);
      } else queue.push(request);
      queueMicrotask(() => this.#grant(name));
    });
  }

  holders() {
    return this.#held.size;
  }

  #grant(name) {
    if (this.#held.has(name)) return;
    const next = this.#queues.get(name).shift();
    if (!next) return;
    this.#held.set(name, next);
    Promise.resolve(next.callback()).then((value) => {
      next.resolve(value);
      if (this.#held.get(name) !== next) return;
      this.#held.delete(name);
      this.#grant(name);
    });
  }
}

export class FakeChannel {
  static all = new Set();
  /** A frozen tab neither sends nor receives. */
  isFrozen = false;
  /** A busy tab still sends what it has begun to send. */
  dropsIncoming = false;

  /** The channel that was opened first, which is the first tab's. */
  static get first() {
    return FakeChannel.all.values().next().value;
  }

  constructor(name) {
    this.name = name;
    FakeChannel.all.add(this);
  }

  postMessage(message) {
    if (this.isFrozen) return;
    const others = [...FakeChannel.all].filter((other) => other !== this && other.name === this.name);
    for (const other of others) {
      const data = structuredClone(message);
      queueMicrotask(() => {
        if (other.isReceiving) other.onmessage?.({ data });
      });
    }
  }

  get isReceiving() {
    return FakeChannel.all.has(this) && !this.isFrozen && !this.dropsIncoming;
  }

  close() {
    FakeChannel.all.delete(this);
  }
}

export class FakeStorage {
  #values = new Map();

  getItem(key) {
    return this.#values.get(key) ?? null;
  }

  setItem(key, value) {
    this.#values.set(key, String(value));
  }

  removeItem(key) {
    this.#values.delete(key);
  }
}
