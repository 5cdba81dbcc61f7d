// A simulated browser with several tabs, each with its own globals and its own main thread.
//
// A tab runs one task at a time. While its main thread is busy, timers, messages, locks and network data
// queue up for it and run once it returns: in order within one source, in random order between sources, as
// in real browsers. All chance comes from one seed.
import { readFileSync } from 'node:fs';

const GLOBALS = [
  'globalThis', 'document', 'navigator', 'sessionStorage', 'BroadcastChannel', 'setTimeout', 'clearTimeout',
  'fetch', 'Date', 'Math',
];

/** The built client as a function of its globals, because every tab needs globals of its own. */
const loadClient = (() => {
  const text = readFileSync(new URL('../../assets/js/sse.js', import.meta.url), 'utf8');
  const body = text.replace(/export\s*\{([^}]*)\};?\s*$/, (_, names) => {
    const pairs = names.split(',').map((name) => name.trim().split(/\s+as\s+/));
    return `return {${pairs.map(([local, exported = local]) => `${exported}: ${local}`)}};`;
  });
  return new Function(...GLOBALS, `'use strict';\n${body}`);
})();

/** Why a lock or a request ends early; made once, because its stack trace is expensive. */
export const ABORTED = new DOMException('aborted', 'AbortError');

/** Lets all promises settle that wait for nothing but other promises. */
const promisesSettle = () => new Promise((resolve) => setImmediate(resolve));

/** Random numbers that a seed repeats (mulberry32). */
export class Random {
  #state;
  constructor(seed) { this.#state = seed; }
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  between(low, high) { return low + this.next() * (high - low); }
  chance(probability) { return this.next() < probability; }
  pick(list) { return list[Math.floor(this.next() * list.length)]; }
}

export class Browser {
  now = 1_700_000_000_000;
  tabs = new Set();
  nextTabId = 1;
  channels = new Set();
  locks = new LockManager();
  /** What happens later, the earliest first. */
  #events = [];
  /** When the newest event of each ordered pipe happens. */
  #pipes = new Map();

  constructor(random) { this.random = random; }

  /** Calls `run` after `delay`; events of the same `pipe` keep their order. */
  later(delay, run, pipe) {
    let at = this.now + delay;
    if (pipe !== undefined) {
      at = Math.max(at, this.#pipes.get(pipe) ?? 0);
      this.#pipes.set(pipe, at);
    }
    const event = { at, run };
    let index = this.#events.length;
    while (index > 0 && this.#events[index - 1].at > at) index -= 1;
    this.#events.splice(index, 0, event);
    return event;
  }

  async run(duration) {
    const end = this.now + duration;
    await this.#runTasks();
    while (this.#events[0]?.at <= end) {
      const { at, run } = this.#events.shift();
      this.now = at;
      run();
      await this.#runTasks();
    }
    this.now = end;
  }

  async #runTasks() {
    for (;;) {
      const ready = [...this.tabs].filter((tab) => tab.isReady);
      if (ready.length === 0) return;
      this.random.pick(ready).runTask();
      await promisesSettle();
    }
  }
}

/** Web Locks as the standard has them: one holder for each name, a queue, and theft. */
class LockManager {
  #held = new Map();
  #queue = [];

  add(request) {
    if (request.steal) {
      const holder = this.#held.get(request.name);
      holder?.tab.task('locks', () => holder.reject(ABORTED));
      this.#held.delete(request.name);
      this.#queue.unshift(request);
    } else this.#queue.push(request);
    this.#grant();
  }

  release(request) {
    if (this.#held.get(request.name) === request) this.#held.delete(request.name);
    this.#grant();
  }

  removeTab(tab) {
    this.#queue = this.#queue.filter((request) => request.tab !== tab);
    for (const [name, holder] of this.#held) if (holder.tab === tab) this.#held.delete(name);
    this.#grant();
  }

  /** The tab that holds the only lock there is. */
  holder() { return this.#held.values().next().value?.tab; }

  #grant() {
    for (const request of this.#queue.filter(({ name }) => !this.#held.has(name))) {
      if (this.#held.has(request.name)) continue;
      this.#queue.splice(this.#queue.indexOf(request), 1);
      this.#held.set(request.name, request);
      request.tab.task('locks', request.run);
    }
  }
}

class Channel {
  static #count = 0;
  id = (Channel.#count += 1);
  onmessage = null;
  #isOpen = true;
  #tab;

  constructor(tab, name) {
    this.#tab = tab;
    this.name = name;
    tab.effect('channel', () => tab.browser.channels.add(this));
  }

  postMessage(message) {
    if (!this.#isOpen) throw new DOMException('the channel is closed', 'InvalidStateError');
    const data = structuredClone(message);
    const { browser } = this.#tab;
    this.#tab.effect('channel', () => {
      for (const other of browser.channels) {
        if (other === this || other.name !== this.name) continue;
        browser.later(browser.random.between(0, 3), () => other.#receive(data), `${this.id}>${other.id}`);
      }
    });
  }

  #receive(data) {
    this.#tab.task('channel', () => { if (this.#isOpen) this.onmessage?.({ data }); });
  }

  close() {
    this.#isOpen = false;
    this.#tab.effect('channel', () => this.#tab.browser.channels.delete(this));
  }

  isOf(tab) { return this.#tab === tab; }
}

/** What a tab's session storage keeps across its pages. */
class Storage {
  #values = new Map();
  getItem(key) { return this.#values.get(key) ?? null; }
  setItem(key, value) { this.#values.set(key, String(value)); }
}

export class Tab {
  isAlive = true;
  window = new EventTarget();
  document = Object.assign(new EventTarget(), { hidden: false, baseURI: 'http://page.test/' });
  #tasks = new Map(['timers', 'channel', 'locks', 'network', 'page'].map((source) => [source, []]));
  #waiting = 0;
  #busyUntil = 0;
  /** What a task that became busy halfway does to the outside; it happens once the tab returns. */
  #effects = [];
  /** A stall that begins after so many more effects. */
  #plannedStall;
  #timers = new Map();
  #timerCount = 0;

  /** Opens a page in a new tab, or in the place of an earlier page of the same tab. */
  constructor(browser, network, storage = new Storage()) {
    Object.assign(this, { browser, network, storage, id: browser.nextTabId++ });
    browser.tabs.add(this);
    Object.assign(this.window, { document: this.document, BroadcastChannel: this.#channelClass() });
    const globals = {
      globalThis: this.window,
      document: this.document,
      navigator: { locks: { request: (name, options, callback) => this.#requestLock(name, options, callback) } },
      sessionStorage: storage,
      BroadcastChannel: this.window.BroadcastChannel,
      setTimeout: (callback, delay) => this.#setTimeout(callback, delay),
      clearTimeout: (timer) => this.#timers.delete(timer),
      fetch: (url, options) => network.fetch(this, url, options),
      Date: Object.create(Date, { now: { value: () => this.#now } }),
      Math: Object.create(Math, { random: { value: () => browser.random.next() } }),
    };
    this.client = loadClient(...GLOBALS.map((name) => globals[name]));
  }

  get busyFor() { return Math.max(0, this.#busyUntil - this.browser.now); }
  get isBusy() { return this.browser.now < this.#busyUntil; }
  get isReady() { return this.#waiting > 0 && this.isAlive && !this.isBusy; }
  /** The rest of a task that became busy halfway runs at the end of that time. */
  get #now() { return Math.max(this.browser.now, this.#busyUntil); }

  /** Something happens to the tab. */
  task(source, run) {
    this.#tasks.get(source).push(run);
    this.#waiting += 1;
  }

  runTask() {
    this.#waiting -= 1;
    this.browser.random.pick([...this.#tasks.values()].filter(({ length }) => length > 0)).shift()();
  }

  /** The tab does something to the outside; effects of one kind keep their order. */
  effect(kind, run) {
    if (this.#plannedStall && this.#plannedStall.effects-- === 0) this.#beginStall(this.#plannedStall.duration);
    if (this.isBusy) this.#effects.push([kind, run]);
    else this.#send(kind, run);
  }

  #send(kind, run) {
    const { browser } = this;
    browser.later(browser.random.between(0, 1), () => { if (this.isAlive) run(); }, `${this.id} ${kind}`);
  }

  /** Keeps the main thread busy, from now on or from the middle of a task that has so many effects. */
  stall(duration, effects) {
    if (effects === undefined) this.#beginStall(duration);
    else this.#plannedStall = { duration, effects };
  }

  #beginStall(duration) {
    this.#plannedStall = undefined;
    if (this.isBusy) return;
    this.#busyUntil = this.browser.now + duration;
    this.browser.later(duration, () => {
      for (const [kind, run] of this.#effects.splice(0)) this.#send(kind, run);
    });
  }

  /** Ends the stall that is planned, so that the tab stays responsive from now on. */
  calm() { this.#plannedStall = undefined; }

  dispatch(target, type, init = {}) {
    this.task('page', () => target.dispatchEvent(Object.assign(new Event(type), init)));
  }

  /** The user closes the tab or leaves the page. A busy page is not told. */
  close() {
    if (this.isBusy) {
      this.kill();
      return;
    }
    this.dispatch(this.window, 'pagehide', { persisted: false });
    this.task('page', () => this.browser.later(2, () => this.kill()));
  }

  /** The tab's process ends without a word. */
  kill() {
    if (!this.isAlive) return;
    const { browser } = this;
    this.isAlive = false;
    browser.tabs.delete(this);
    for (const channel of browser.channels) if (channel.isOf(this)) browser.channels.delete(channel);
    browser.locks.removeTab(this);
    this.network.removeTab(this);
  }

  /** The browser keeps the page in its back/forward cache for this long. */
  hide(duration) {
    this.dispatch(this.window, 'pagehide', { persisted: true });
    this.task('page', () => this.stall(duration));
    this.dispatch(this.window, 'pageshow', { persisted: true });
  }

  #setTimeout(callback, delay = 0) {
    const timer = (this.#timerCount += 1);
    this.#timers.set(timer, callback);
    // Timers of hidden tabs may be late.
    const wait = this.#now - this.browser.now + delay + this.browser.random.between(0, 50);
    this.browser.later(wait, () => this.task('timers', () => {
      const due = this.#timers.get(timer);
      this.#timers.delete(timer);
      due?.();
    }));
    return timer;
  }

  #channelClass() {
    const tab = this;
    return function BroadcastChannel(name) { return new Channel(tab, name); };
  }

  #requestLock(name, { steal = false }, callback) {
    return new Promise((resolve, reject) => {
      const request = { tab: this, name, steal, reject };
      request.run = async () => {
        const value = await callback();
        this.effect('locks', () => this.browser.locks.release(request));
        resolve(value);
      };
      this.effect('locks', () => this.browser.locks.add(request));
    });
  }
}
