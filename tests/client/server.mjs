// The server and the network of the simulated browser: numbered events, replay after the last id, and faults.
import { ABORTED } from './browser.mjs';

const NETWORK_ERROR = new TypeError('network error');
const HEARTBEAT_SECONDS = 15;
/** Clients without an id also get what was saved in this time before they came. */
const LOOKBACK_MS = 5000;
const encoder = new TextEncoder();

export class Server {
  /** One journal after another: each is the list of its events, and has an epoch of its own. */
  journals = [[]];
  connections = new Set();
  /** `up`, `refusing` (no connection), `busy` (503) or `silent` (no answer). */
  mode = 'up';

  constructor(browser) { this.browser = browser; }

  get journal() { return this.journals.at(-1); }
  get place() { return id(this.journals.length - 1, this.journal.length); }

  save(name) {
    const number = this.journal.length + 1;
    const event = { name, number, savedAt: this.browser.now };
    this.journal.push(event);
    for (const connection of this.connections) connection.sendEvent(event);
  }

  /** Someone deletes the cache folder: a new journal begins. */
  replaceJournal() {
    this.journals.push([]);
    for (const connection of this.connections) connection.sendGap();
  }

  /** All connections break. */
  cut() { for (const connection of this.connections) connection.break(); }
  /** All streams end as planned. */
  end() { for (const connection of this.connections) connection.end(); }
  /** All connections lose whatever is sent on them from now on. */
  loseAll() { for (const connection of this.connections) this.connections.delete(connection); }

  removeTab(tab) {
    for (const connection of this.connections) if (connection.tab === tab) this.connections.delete(connection);
  }

  fetch(tab, address, { signal }) {
    const connection = new Connection(this, tab, new URL(address).searchParams);
    signal.addEventListener('abort', () => connection.abort());
    tab.effect('network', () => this.#accept(connection));
    return connection.answer;
  }

  #accept(connection) {
    if (this.mode === 'refusing') connection.break();
    else if (this.mode === 'busy') connection.respond(503);
    else if (this.mode === 'up') connection.open();
  }
}

/** `epoch-number`, as the server writes it. */
export const id = (epoch, number) => `${epoch.toString(16).padStart(16, '0')}-${number}`;
export const parseId = (text) => {
  const [epoch, number] = text.split('-');
  return { epoch: parseInt(epoch, 16), number: Number(number) };
};

class Connection {
  static #count = 0;
  #pipe = `connection ${(Connection.#count += 1)}`;
  /** What has arrived in the tab and was not read, and who reads. */
  #arrived = [];
  #reader;
  #isAborted = false;

  constructor(server, tab, query) {
    Object.assign(this, { server, tab, query });
    this.answer = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    // The page may have given the request up before it is rejected.
    this.answer.catch(() => {});
  }

  open() {
    const { server, query } = this;
    const { browser, journal, journals } = server;
    server.connections.add(this);
    this.openedAt = browser.now;
    this.respond(200);
    const given = query.get('last_event_id');
    const recent = journal.findIndex(({ savedAt }) => savedAt >= browser.now - LOOKBACK_MS);
    const lookback = recent === -1 ? journal.length : recent;
    let start = lookback;
    if (given) {
      const { epoch, number } = parseId(given);
      const isKnown = epoch === journals.length - 1;
      start = isKnown ? number : 0;
      if (query.get('lookback')) start = Math.min(start, lookback);
      if (!isKnown) this.sendGap();
    }
    this.#sendHeartbeat(start);
    for (const event of journal.slice(start)) this.sendEvent(event);
    this.#beat();
  }

  #beat() {
    this.server.browser.later(HEARTBEAT_SECONDS * 1000, () => {
      if (!this.server.connections.has(this)) return;
      this.#sendHeartbeat(this.server.journal.length);
      this.#beat();
    });
  }

  #sendHeartbeat(number) { this.#sendBlock(number, 'sse.heartbeat', HEARTBEAT_SECONDS); }
  sendGap() { this.#sendBlock(0, 'sse.gap', { reason: 'other-epoch' }); }
  sendEvent({ name, number }) {
    const asked = this.query.get('events');
    if (asked && !asked.split(',').includes(name)) return;
    const value = { epoch: this.server.journals.length - 1, number };
    this.#sendBlock(number, name, { timestamp: '2026-11-23T15:51:00.123Z', value });
  }
  #sendBlock(number, name, data) {
    const epoch = this.server.journals.length - 1;
    const text = `id: ${id(epoch, number)}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#arrives(() => ({ value: encoder.encode(text), done: false }));
  }

  respond(status) {
    this.#transmit(() => this.resolve({
      status,
      url: 'http://page.test/sse/stream',
      headers: { get: (name) => (name === 'content-type' && status === 200 ? 'text/event-stream' : null) },
      text: async () => '',
      body: { getReader: () => ({ read: () => this.#read() }) },
    }));
  }

  end() {
    this.server.connections.delete(this);
    this.#arrives(() => ({ done: true }));
  }

  break() {
    this.server.connections.delete(this);
    this.#transmit(() => this.reject(NETWORK_ERROR));
    this.#arrives(() => { throw NETWORK_ERROR; });
  }

  abort() {
    this.#isAborted = true;
    this.reject(ABORTED);
    this.#reader?.reject(ABORTED);
    this.tab.effect('network', () => this.server.connections.delete(this));
  }

  #arrives(part) {
    this.#transmit(() => {
      this.#arrived.push(part);
      this.#pump();
    });
  }

  #read() {
    return new Promise((resolve, reject) => {
      if (this.#isAborted) {
        reject(ABORTED);
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

  /** Parts reach the tab in order, each as a task of its own. */
  #transmit(run) {
    const { browser } = this.server;
    browser.later(browser.random.between(1, 60), () => this.tab.task('network', run), this.#pipe);
  }
}
