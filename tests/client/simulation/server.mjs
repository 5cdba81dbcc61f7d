// The server and the network of the simulated browser: numbered events, replay after the last id, and faults.
import { Connection } from './connection.mjs';
import { formatId } from './event-id.mjs';

/** The name that the clients with this option `to` share: that of their lock, and of the stored wait. */
export function shareName(to) {
  const query = to ? `?to=${to}` : '';
  return `["sse 2","http://page.test/sse/stream${query}",false,"true"]`;
}

export class Server {
  /** The journals by epoch; each is the list of its events. */
  journals = [[]];
  connections = new Set();
  /** `up`, `refusing` (no connection), `busy` (503), `unauthorized` (401) or `silent` (no answer). */
  mode = 'up';
  /** While it is busy: the seconds that clients are asked to wait. */
  retryAfter;
  /** The requests that a tab made although it could know that the server had asked to wait. */
  earlyRequests = 0;

  constructor(browser) {
    this.browser = browser;
  }

  get journal() {
    return this.journals.at(-1);
  }
  get lastEventId() {
    return formatId(this.journals.length - 1, this.journal.length);
  }

  /** Saves an event for everybody, for a user, or for an audience that pages ask for. */
  save(name, to = '') {
    const number = this.journal.length + 1;
    const event = { name, number, to, savedAt: this.browser.now };
    this.journal.push(event);
    for (const connection of this.connections) connection.sendEvent(event);
  }

  /** The cache folder is deleted, and a new journal begins. */
  replaceJournal() {
    this.journals.push([]);
    for (const connection of this.connections) connection.sendGap();
  }

  /** All connections fail. */
  failAll() {
    for (const connection of this.connections) connection.fail();
  }
  /** All streams end as planned. */
  endAll() {
    for (const connection of this.connections) connection.end();
  }
  /** All connections lose what is sent on them, without an error. */
  loseAll() {
    for (const connection of this.connections) this.connections.delete(connection);
  }

  removeTab(tab) {
    for (const connection of this.connections)
      if (connection.tab === tab) this.connections.delete(connection);
  }

  fetch(tab, address, { signal }) {
    const query = new URL(address).searchParams;
    const waitsUntil = this.browser.commonStorage.getItem(shareName(query.get('to')));
    if (Number(waitsUntil) > tab.now) this.earlyRequests += 1;
    const connection = new Connection(this, tab, query);
    signal.addEventListener('abort', () => connection.abort());
    tab.effect('network', () => this.#accept(connection));
    return connection.response;
  }

  #accept(connection) {
    if (this.mode === 'refusing') connection.fail();
    else if (this.mode === 'busy') connection.respond(503, { 'retry-after': this.retryAfter });
    else if (this.mode === 'unauthorized') connection.respond(401, {});
    else if (this.mode === 'up') connection.open();
  }
}
