// A pretended browser, moved by hand: its clock, its network, and what its tabs share.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, mock } from 'node:test';
import { pathToFileURL } from 'node:url';

// Imported from a copy named .mjs: where sse.js lies, no package.json tells Node that it is a module.
const folder = mkdtempSync(join(tmpdir(), 'sse-client-'));
const copy = join(folder, 'sse.mjs');
copyFileSync(new URL('../../assets/js/sse.js', import.meta.url), copy);
export const client = await import(pathToFileURL(copy).href);
rmSync(folder, { recursive: true });

const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, now: Date.now };

/** Lets everything happen that waits for nothing but its turn. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Time that passes when it is told to. */
class Clock {
  #now = real.now();
  #next = 1;
  #timers = new Map();
  constructor() {
    globalThis.setTimeout = (callback, delay = 0) => {
      this.#timers.set(this.#next, { callback, at: this.#now + delay });
      return this.#next++;
    };
    globalThis.clearTimeout = (timer) => this.#timers.delete(timer);
    Date.now = () => this.#now;
  }
  async tick(time) {
    const end = this.#now + time;
    await settled();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      if (due.length === 0) break;
      const [timer, { callback, at }] = due.reduce((first, other) => (other[1].at < first[1].at ? other : first));
      this.#timers.delete(timer);
      this.#now = at;
      callback();
      await settled();
    }
    this.#now = end;
  }
  /** The machine sleeps: the calendar goes on, timers do not. */
  sleep(time) {
    this.#now += time;
    for (const timer of this.#timers.values()) timer.at += time;
  }
  get timers() { return this.#timers.size; }
  restore() {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
    Date.now = real.now;
  }
}

/** One request, and the answer to it. */
class Request {
  static all = [];
  static get last() { return Request.all.at(-1); }
  static get open() { return Request.all.filter((request) => request.isOpen); }
  isOpen = true;
  constructor(url, options) {
    this.url = new URL(url);
    this.options = options;
    this.answered = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.body = new ReadableStream({ start: (controller) => { this.controller = controller; } });
    options.signal.addEventListener('abort', () => {
      this.isOpen = false;
      const error = new DOMException('aborted', 'AbortError');
      this.reject(error);
      try { this.controller.error(error); } catch { /* It has ended. */ }
    });
    Request.all.push(this);
  }
  query(name) { return this.url.searchParams.get(name); }
  async answers(status, headers = {}, body = null) {
    const response = new Response(body, { status, headers });
    Object.defineProperty(response, 'url', { value: this.url.href });
    this.resolve(response);
    if (body !== this.body) this.isOpen = false;
    await settled();
  }
  /** The stream begins; `id` is where it is. */
  async opens(id, type = 'text/event-stream') {
    await this.answers(200, { 'content-type': type }, this.body);
    if (id !== undefined) await this.sends(`id: ${id}\nevent: sse.heartbeat\ndata: 15\n\n`);
  }
  async sends(text) {
    this.controller.enqueue(typeof text === 'string' ? new TextEncoder().encode(text) : text);
    await settled();
  }
  async event(name, id, value) {
    await this.sends(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(envelope(value))}\n\n`);
  }
  /** The server ends the stream. */
  async ends() {
    this.isOpen = false;
    this.controller.close();
    await settled();
  }
  /** The network fails, before the answer or in it. */
  async breaks() {
    this.isOpen = false;
    this.reject(new TypeError('network error'));
    try { this.controller.error(new TypeError('network error')); } catch { /* It has ended. */ }
    await settled();
  }
}

/** Locks as the standard has them: one holder, a queue, and theft. */
class Locks {
  #held = new Map();
  #queues = new Map();
  request(name, { steal = false }, callback) {
    return new Promise((resolve, reject) => {
      const wanted = { callback, resolve, reject };
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      if (steal) {
        this.#held.get(name)?.reject(new DOMException('stolen', 'AbortError'));
        this.#held.delete(name);
        queue.unshift(wanted);
      } else queue.push(wanted);
      queueMicrotask(() => this.#grant(name));
    });
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
  holders() { return this.#held.size; }
}

class Channel {
  static all = new Set();
  constructor(name) {
    this.name = name;
    Channel.all.add(this);
  }
  postMessage(message) {
    const others = [...Channel.all].filter((other) => other !== this && other.name === this.name);
    for (const other of others) {
      const data = structuredClone(message);
      queueMicrotask(() => { if (Channel.all.has(other) && !other.isFrozen) other.onmessage?.({ data }); });
    }
  }
  close() { Channel.all.delete(this); }
}

/** A tab's memory. */
class Memory {
  #values = new Map();
  getItem(key) { return this.#values.get(key) ?? null; }
  setItem(key, value) { this.#values.set(key, String(value)); }
  get size() { return this.#values.size; }
}

export const envelope = (value) => ({ timestamp: '2026-11-23T15:51:00.123Z', value });
export const EPOCH = '00000000000000ff';
export const OTHER = '00000000000000fe';
export const at = (place) => `${EPOCH}-${place}`;
export { Channel, Request };

/** What a test moves. */
export const world = {};

/** The window dispatches an event to the page. */
export const page = (type, init = {}) => world.window.dispatchEvent(Object.assign(new Event(type), init));

/** A tab, and what it hears: values, gaps, statuses, openings and errors. */
export async function tab(options = {}, url = '/sse/stream') {
  const sse = new client.SseClient(url, { resume: false, ...options });
  const heard = { values: [], gaps: [], statuses: [], opened: 0, errors: [] };
  sse.on('*', (value) => heard.values.push(value));
  sse.ongap = ({ value }) => heard.gaps.push(value.reason);
  sse.onstatus = ({ value }) => heard.statuses.push(value);
  sse.onopen = () => { heard.opened += 1; };
  sse.onerror = ({ status, body, final }) => heard.errors.push([status, body, final]);
  await settled();
  return { sse, ...heard, get opened() { return heard.opened; } };
}

/** So many tabs with one connection, which is open at this place. */
export async function tabs(count, place = 0) {
  const all = [];
  for (let n = 0; n < count; n += 1) {
    all.push(await tab());
    await Request.last.opens(at(place));
  }
  return all;
}

export const each = (all, what) => all.map((one) => one[what]);
export const leaders = (all) => all.filter(({ sse }) => sse.leading).length;

const globals = {
  fetch: (url, options) => {
    const request = new Request(url, options);
    return request.answered;
  },
  BroadcastChannel: Channel,
};

beforeEach(() => {
  Request.all = [];
  Channel.all = new Set();
  world.clock = new Clock();
  // The longest waits, and yet never the same number: clients draw their names by chance, too.
  let draws = 0;
  world.chance = mock.method(Math, 'random', () => 1 - (draws += 1) * 1e-12);
  world.window = new EventTarget();
  world.document = Object.assign(new EventTarget(), { hidden: false, baseURI: 'http://page.test/deep/page.html' });
  world.locks = new Locks();
  world.memory = new Memory();
  world.kept = Object.fromEntries(
    ['fetch', 'BroadcastChannel', 'document', 'navigator', 'sessionStorage', 'addEventListener'].map((name) => [
      name, Object.getOwnPropertyDescriptor(globalThis, name),
    ]),
  );
  const set = { ...globals, document: world.document, navigator: { locks: world.locks }, sessionStorage: world.memory };
  set.addEventListener = world.window.addEventListener.bind(world.window);
  for (const [name, value] of Object.entries(set)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
});

afterEach(() => {
  world.clock.restore();
  mock.restoreAll();
  for (const [name, descriptor] of Object.entries(world.kept)) {
    if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    else delete globalThis[name];
  }
});
