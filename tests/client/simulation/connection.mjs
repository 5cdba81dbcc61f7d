// One connection of the simulated server.
import { formatId, parseId } from './event-id.mjs';
import { ABORT_ERROR } from './locks.mjs';

const NETWORK_ERROR = new TypeError('network error');
/** As the server's default. */
const HEARTBEAT_SECONDS = 15;
/** New clients also receive what was saved within this time before they connected: the server's default. */
const LOOKBACK_MS = 5000;
const encoder = new TextEncoder();

/** An event stands for the value of a key; each name and audience has one. */
export const keyOf = ({ name, to }) => `${name} ${to}`;

export class Connection {
  static #count = 0;
  /** Names the queue that keeps the parts of this connection in order. */
  #queue;
  /** Parts that arrived in the tab and were not read yet. */
  #arrived = [];
  /** The read that waits for the next part. */
  #reader;
  #isAborted = false;

  constructor(server, tab, query) {
    Connection.#count += 1;
    this.#queue = `connection ${Connection.#count}`;
    Object.assign(this, { server, tab, query });
    this.response = new Promise((resolve, reject) => {
      Object.assign(this, { resolve, reject });
    });
    // The page may have aborted the request before it is rejected.
    this.response.catch(() => {});
  }

  open() {
    const { server, query } = this;
    const { browser, journal, journals } = server;
    server.connections.add(this);
    this.openedAt = browser.now;
    this.user = browser.user;
    this.respond(200, { 'content-type': 'text/event-stream' });
    // The user's name takes the place of an event's, so that pages see whose connection it is.
    this.#deliverText(`: events a,b,user${this.user}\n`);
    if (this.user) this.#deliverText(`: identity ${this.user.repeat(32)}\n`);
    const lastEventId = query.get('last_event_id');
    const recent = journal.findIndex(({ savedAt }) => savedAt >= browser.now - LOOKBACK_MS);
    const lookback = recent === -1 ? journal.length : recent;
    let start = lookback;
    if (lastEventId) {
      const { epoch, number } = parseId(lastEventId);
      const isKnown = epoch === journals.length - 1;
      start = isKnown ? number : 0;
      if (query.get('lookback')) start = Math.min(start, lookback);
      if (!isKnown) this.sendGap();
    }
    const latest = query.get('latest') ? this.#latestValues(start) : [];
    // The protocol leaves the order open.
    if (browser.random.chance(0.5)) this.#sendHeartbeat(start);
    else latest.push(undefined);
    for (const event of latest) {
      if (event) this.sendEvent(event);
      else this.#sendHeartbeat(start);
    }
    for (const event of journal.slice(start)) this.sendEvent(event);
    this.#beat();
  }

  /** The newest event of each key and audience up to this number, in their order. */
  #latestValues(number) {
    const newest = new Map();
    for (const event of this.server.journal.slice(0, number)) newest.set(keyOf(event), event);
    return [...newest.values()].sort((first, second) => first.number - second.number);
  }

  #beat() {
    this.server.browser.schedule(HEARTBEAT_SECONDS * 1000, () => {
      if (!this.server.connections.has(this)) return;
      this.#sendHeartbeat(this.server.journal.length);
      this.#beat();
    });
  }

  #sendHeartbeat(number) {
    this.#sendBlock(number, 'sse.heartbeat', HEARTBEAT_SECONDS);
  }
  sendGap() {
    this.#sendBlock(0, 'sse.gap', { reason: 'other-epoch' });
  }
  sendEvent(event) {
    const { name, number, to } = event;
    const requested = this.query.get('events');
    if (requested && !requested.split(',').includes(name)) return;
    if (to && to !== this.user && to !== this.query.get('to')) return;
    const value = { epoch: this.server.journals.length - 1, number, key: keyOf(event), user: this.user };
    this.#sendBlock(number, name, { timestamp: '2026-11-23T15:51:00.123Z', value });
  }
  #sendBlock(number, name, data) {
    const epoch = this.server.journals.length - 1;
    this.#deliverText(`id: ${formatId(epoch, number)}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }
  #deliverText(text) {
    this.#deliver(() => ({ value: encoder.encode(text), done: false }));
  }

  respond(status, headers) {
    this.#transmit(() =>
      this.resolve({
        status,
        url: 'http://page.test/sse/stream',
        headers: { get: (name) => headers[name] ?? null },
        text: async () => '',
        body: { getReader: () => ({ read: () => this.#read() }) },
      }),
    );
  }

  end() {
    this.server.connections.delete(this);
    this.#deliver(() => ({ done: true }));
  }

  fail() {
    this.server.connections.delete(this);
    this.#transmit(() => this.reject(NETWORK_ERROR));
    this.#deliver(() => {
      throw NETWORK_ERROR;
    });
  }

  abort() {
    this.#isAborted = true;
    this.reject(ABORT_ERROR);
    this.#reader?.reject(ABORT_ERROR);
    this.tab.effect('network', () => this.server.connections.delete(this));
  }

  #deliver(part) {
    this.#transmit(() => {
      this.#arrived.push(part);
      this.#pump();
    });
  }

  #read() {
    return new Promise((resolve, reject) => {
      if (this.#isAborted) {
        reject(ABORT_ERROR);
        return;
      }
      this.#reader = { resolve, reject };
      this.#pump();
    });
  }

  #pump() {
    if (!this.#reader || this.#arrived.length === 0) return;
    const { resolve, reject } = this.#reader;
    this.#reader = undefined;
    try {
      resolve(this.#arrived.shift()());
    } catch (error) {
      reject(error);
    }
  }

  /** Parts arrive in the tab in order, each as a task of its own. */
  #transmit(run) {
    const { browser } = this.server;
    browser.schedule(browser.random.between(1, 60), () => this.tab.task('network', run), this.#queue);
  }
}
