// A tab of the simulated browser.
import { readFileSync } from 'node:fs';

import { FakeStorage } from '../fakes.mjs';
import { Channel } from './channel.mjs';

const GLOBALS = [
  'globalThis',
  'console',
  'document',
  'navigator',
  'BroadcastChannel',
  'setTimeout',
  'clearTimeout',
  'fetch',
  'Date',
  'Math',
];

/** The built client as a function of its globals: every tab has its own globals. */
const loadClient = (() => {
  const text = readFileSync(new URL('../../../assets/js/sse.js', import.meta.url), 'utf8');
  const body = text.replace(/export\s*\{([^}]*)\};?\s*$/, (_, names) => {
    const pairs = names.split(',').map((name) => name.trim().split(/\s+as\s+/));
    return `return {${pairs.map(([local, exported = local]) => `${exported}: ${local}`)}};`;
  });
  return new Function(...GLOBALS, `'use strict';\n${body}`);
})();

export class Tab {
  isAlive = true;
  window = new EventTarget();
  document = Object.assign(new EventTarget(), { hidden: false, baseURI: 'http://page.test/' });
  #tasks = new Map(['timers', 'channel', 'locks', 'network', 'page'].map((source) => [source, []]));
  #waiting = 0;
  #busyUntil = 0;
  /** Effects of a task that stalled halfway; they happen once the stall ends. */
  #effects = [];
  /** A stall that begins after this many more effects. */
  #plannedStall;
  #timers = new Map();
  #timerCount = 0;

  /** Opens a page in a new tab, or with `storage` as the next page of a tab. */
  constructor(browser, network, storage = new FakeStorage()) {
    Object.assign(this, { browser, network, storage, id: browser.takeTabId() });
    browser.tabs.add(this);
    Object.assign(this.window, {
      document: this.document,
      BroadcastChannel: this.#channelClass(),
      sessionStorage: storage,
      localStorage: browser.commonStorage,
    });
    const globals = {
      globalThis: this.window,
      // Refusals are part of the schedules.
      console: { warn() {} },
      document: this.document,
      navigator: {
        locks: { request: (name, options, callback) => this.#requestLock(name, options, callback) },
      },
      BroadcastChannel: this.window.BroadcastChannel,
      setTimeout: (callback, delay) => this.#setTimeout(callback, delay),
      clearTimeout: (timer) => this.#timers.delete(timer),
      fetch: (url, options) => network.fetch(this, url, options),
      Date: Object.create(Date, { now: { value: () => this.now } }),
      Math: Object.create(Math, { random: { value: () => browser.random.next() } }),
    };
    this.client = loadClient(...GLOBALS.map((name) => globals[name]));
  }

  get busyFor() {
    return Math.max(0, this.#busyUntil - this.browser.now);
  }
  get isBusy() {
    return this.browser.now < this.#busyUntil;
  }
  get isReady() {
    return this.#waiting > 0 && this.isAlive && !this.isBusy;
  }
  /** The rest of a task that stalled halfway runs when the stall ends. */
  get now() {
    return Math.max(this.browser.now, this.#busyUntil);
  }

  /** Queues a task of this source. */
  task(source, run) {
    this.#tasks.get(source).push(run);
    this.#waiting += 1;
  }

  runTask() {
    this.#waiting -= 1;
    this.browser.random.pick([...this.#tasks.values()].filter(({ length }) => length > 0)).shift()();
  }

  /** Something that a task does outside of the tab. Effects of one kind keep their order. */
  effect(kind, run) {
    if (this.#plannedStall && this.#plannedStall.effects-- === 0)
      this.#beginStall(this.#plannedStall.duration);
    if (this.isBusy) this.#effects.push([kind, run]);
    else this.#send(kind, run);
  }

  #send(kind, run) {
    const { browser } = this;
    browser.schedule(
      browser.random.between(0, 1),
      () => {
        if (this.isAlive) run();
      },
      `${this.id} ${kind}`,
    );
  }

  /** Keeps the main thread busy: at once, or in the middle of a task, after `effects` more effects. */
  stall(duration, effects) {
    if (effects === undefined) this.#beginStall(duration);
    else this.#plannedStall = { duration, effects };
  }

  #beginStall(duration) {
    this.#plannedStall = undefined;
    if (this.isBusy) return;
    this.#busyUntil = this.browser.now + duration;
    this.browser.schedule(duration, () => {
      for (const [kind, run] of this.#effects.splice(0)) this.#send(kind, run);
    });
  }

  /** Cancels the planned stall, so that the tab stays responsive. */
  cancelStall() {
    this.#plannedStall = undefined;
  }

  dispatch(target, type, init = {}) {
    this.task('page', () => target.dispatchEvent(Object.assign(new Event(type), init)));
  }

  /** The user closes the tab or leaves the page. A busy page gets no `pagehide` event. */
  close() {
    if (this.isBusy) {
      this.kill();
      return;
    }
    this.dispatch(this.window, 'pagehide', { persisted: false });
    this.task('page', () => this.browser.schedule(2, () => this.kill()));
  }

  /** The tab's process ends without any event. */
  kill() {
    if (!this.isAlive) return;
    const { browser } = this;
    this.isAlive = false;
    browser.tabs.delete(this);
    for (const channel of browser.channels) if (channel.belongsTo(this)) browser.channels.delete(channel);
    browser.locks.removeTab(this);
    this.network.removeTab(this);
  }

  /** The page stays in the back/forward cache for this long. */
  cache(duration) {
    this.dispatch(this.window, 'pagehide', { persisted: true });
    this.task('page', () => this.stall(duration));
    this.dispatch(this.window, 'pageshow', { persisted: true });
  }

  #setTimeout(run, delay = 0) {
    this.#timerCount += 1;
    const timer = this.#timerCount;
    this.#timers.set(timer, run);
    // Timers of hidden tabs may be late.
    const wait = this.now - this.browser.now + delay + this.browser.random.between(0, 50);
    this.browser.schedule(wait, () =>
      this.task('timers', () => {
        const callback = this.#timers.get(timer);
        this.#timers.delete(timer);
        callback?.();
      }),
    );
    return timer;
  }

  #channelClass() {
    const tab = this;
    return function BroadcastChannel(name) {
      return new Channel(tab, name);
    };
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
