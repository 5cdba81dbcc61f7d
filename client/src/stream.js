// The connection, made again whenever it is lost.

import { order } from './order.js';
import { Parser } from './parser.js';
import { withQuery } from './query.js';
import { SILENCE_MS, silenceAfter } from './silence.js';

/** The first wait before a new connection, until the server names another; doubled with every failure. */
const RETRY_MS = 1000;
const BACKOFF_MAX_MS = 30_000;
const RETRY_AFTER_MAX_MS = 3_600_000;
/** Answers that another try would not change. */
const FINAL = [204, 401, 403, 404, 410];
/** As much of a refusal's text reaches the page. */
const BODY_MAX = 4096;

/**
 * The connection that one client or many share. Whatever happens, it is made again and goes on where it
 * was; what is heard is emitted as messages that other tabs can be sent.
 *
 * A message carries the number of its `run`. A client that joins begins a new run, from a place that lies
 * behind nothing that any client of it has not had; so whoever is served by a run and hears all of its
 * messages misses nothing, and what it has had already it knows by the id.
 */
export class Stream {
  /** By client, what it has asked for last. */
  #clients = new Map();
  /** The last id that the connection brought, which may lie behind what some clients have had. */
  #place = '';
  /** Whether somebody is new, and is to hear what was saved in the moments before. */
  #lookback = false;
  #asked = '';
  #run = 0;
  #request;
  #isUp = false;
  #timer;
  #retry = RETRY_MS;
  #failures = 0;
  #silence = SILENCE_MS;
  #heardAt = 0;

  constructor(url, credentials, emit) { Object.assign(this, { url, credentials, emit }); }

  join(join) {
    const { client, id, events, isNew } = join;
    const isMember = this.#clients.has(client);
    this.#clients.set(client, join);
    const isServed = (isMember || this.#request) && (this.#asked === '' || this.#asked === events);
    if (!isNew && isServed && (id === this.#place || order(id, this.#place) >= 0)) {
      this.emit({ run: this.#run, clients: new Map([[client, id]]), up: this.#isUp });
      return;
    }
    const lost = [];
    if (id === '') this.#lookback = true;
    else if (this.#place === '' || order(id, this.#place) < 0) this.#place = id;
    else if (id !== this.#place && Number.isNaN(order(id, this.#place))) lost.push(client);
    this.#run += 1;
    const clients = new Map([...this.#clients].map(([name, { id }]) => [name, id]));
    this.emit({ run: this.#run, clients, lost });
    // A new request also shows the server who is logged in now: a page of theirs hears what they may.
    this.#connect();
  }

  leave(client) { this.#clients.delete(client); }

  /** Now is a good moment to look whether all is well. */
  nudge(isCertain) {
    // A machine that slept has not counted the time, but its calendar has.
    if (!this.#request || isCertain || Date.now() - this.#heardAt > this.#silence) this.#connect();
  }

  close() {
    this.emit = () => {};
    this.#drop();
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.#request = undefined;
    this.#isUp = false;
  }

  #address() {
    // Clients that ask for different events get all, and leave out what is not theirs.
    const asked = new Set([...this.#clients.values()].map(({ events }) => events));
    this.#asked = asked.size === 1 ? [...asked][0] : '';
    const lookback = this.#lookback && this.#place ? 'true' : '';
    return withQuery(this.url, { events: this.#asked, last_event_id: this.#place, lookback });
  }

  async #connect() {
    this.#drop();
    const request = (this.#request = new AbortController());
    this.#heard();
    let failure = {};
    try {
      const response = await fetch(this.#address(), {
        cache: 'no-store',
        credentials: this.credentials,
        headers: { Accept: 'text/event-stream' },
        signal: request.signal,
      });
      const [type] = (response.headers.get('content-type') ?? '').split(';');
      if (response.status === 200 && type.trim().toLowerCase() === 'text/event-stream') {
        if (request === this.#request) await this.#read(response, request);
      } else {
        const { status, headers } = response;
        failure = { status, retryAfter: headers.get('retry-after'), body: (await response.text()).slice(0, BODY_MAX) };
      }
    } catch {
      // The network says no more than that it failed.
    }
    if (request === this.#request) this.#failed(failure);
  }

  async #read({ body, url }, request) {
    const parser = new Parser();
    const reader = body.getReader();
    const { origin } = new URL(url);
    this.#isUp = true;
    this.emit({ run: this.#run, up: true });
    for (;;) {
      const { done, value } = await reader.read();
      if (done || request !== this.#request) return;
      const events = parser.read(value);
      for (const { name, data, id } of events) {
        this.#failures = 0;
        if (id !== undefined) {
          this.#place = id;
          this.#lookback = false;
        }
        if (name === 'sse.heartbeat') this.#silence = silenceAfter(data);
      }
      this.#retry = parser.retry ?? this.#retry;
      this.#heard();
      if (events.length) this.emit({ run: this.#run, events, origin });
    }
  }

  /** Waits for the next sign of life. */
  #heard() {
    this.#heardAt = Date.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#failed({}), this.#silence);
  }

  #failed({ status, body, retryAfter }) {
    this.#drop();
    const final = FINAL.includes(status);
    if (!final) {
      const backoff = Math.min(BACKOFF_MAX_MS, this.#retry * 2 ** this.#failures++);
      // Part of each wait is chance, so that the clients of a restarted server do not return as one.
      const after = (Number(retryAfter) * 1000 || Date.parse(retryAfter) - Date.now()) * (1 + Math.random() / 4);
      const wait = after > 0 ? Math.min(after, RETRY_AFTER_MAX_MS) : backoff * (0.5 + Math.random() / 2);
      this.#timer = setTimeout(() => this.#connect(), wait);
    }
    this.emit({ run: this.#run, down: { status, body, final } });
  }
}
