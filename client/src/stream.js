// The connection to the server, opened again whenever it is lost.

import { compareEventIds } from './event-id.js';
import { SILENCE_TIMEOUT_MS, silenceTimeout } from './heartbeat.js';
import { Parser } from './parser.js';
import { withQuery } from './url.js';

/** The delay before the first retry until the server names another: the server's own default. */
const RETRY_DELAY_MS = 1000;
/** Limits the doubling of the delay, so that a page recovers soon after a server that was down for long. */
const MAX_BACKOFF_MS = 30_000;
/** Limits `Retry-After`, so that a wrong header does not silence a page for days. */
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Responses that another request would not change. */
const FINAL_STATUSES = [204, 401, 403, 404, 410];
/** Enough for an error message; an error page of any size is not kept in memory. */
const MAX_BODY_LENGTH = 4096;

/**
 * The connection of one client, or of all tabs that share it. After each failure it reconnects with the last
 * event id. It emits messages, which the leader posts to the other tabs.
 *
 * Each message carries the number of its `session`. A session may span many connections. A client that joins
 * starts a new session, from the earliest last event id of all members. So a member of a session that
 * receives all of its messages misses nothing; it recognises events that it already had by their ids.
 */
export class Stream {
  /** By member id: its newest join request. */
  #members = new Map();
  /** The last id received on the connection, which may be behind that of some members. */
  #lastEventId = '';
  /** Whether a new member needs the events that were saved shortly before it connected. */
  #needsLookback = false;
  /** The events that the newest request named; empty for all. */
  #requestedEvents = '';
  #session = 0;
  #request;
  #isOpen = false;
  /** The timer for silence while a request is open, else for the next retry. */
  #timer;
  #retryDelay = RETRY_DELAY_MS;
  #failures = 0;
  #silenceTimeout = SILENCE_TIMEOUT_MS;
  #receivedAt = 0;

  constructor(url, credentials, emit) {
    Object.assign(this, { url, credentials, emit });
  }

  join(request) {
    const { member, id, isNew } = request;
    const order = id === this.#lastEventId ? 0 : compareEventIds(id, this.#lastEventId);
    const isServed = !isNew && order >= 0 && this.#serves(request);
    this.#members.set(member, request);
    if (isServed) {
      this.emit({ session: this.#session, members: new Map([[member, id]]), open: this.#isOpen });
      return;
    }
    let gap;
    if (id === '') this.#needsLookback = true;
    else if (this.#lastEventId === '' || order < 0) this.#lastEventId = id;
    // The id belongs to another journal, so this member may have missed events.
    else if (Number.isNaN(order)) gap = member;
    this.#session += 1;
    const members = new Map([...this.#members].map(([name, { id }]) => [name, id]));
    this.emit({ session: this.#session, members, gap });
    // A new request sends the current cookies, so a login since the last request takes effect.
    this.#connect();
  }

  /** Whether the connection delivers the events that this member asks for. */
  #serves({ member, events }) {
    if (!this.#members.has(member) && !this.#request) return false;
    return this.#requestedEvents === '' || this.#requestedEvents === events;
  }

  leave(member) {
    this.#members.delete(member);
  }

  /**
   * Reconnects at once if it is forced to, if it waits for a retry, or if the server was silent for too long.
   */
  check(force) {
    // Timers stop while the machine sleeps, so the time is compared as well.
    if (!this.#request || force || Date.now() - this.#receivedAt > this.#silenceTimeout) this.#connect();
  }

  close() {
    this.emit = () => {};
    this.#abort();
  }

  #abort() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.#request = undefined;
    this.#isOpen = false;
  }

  #nextUrl() {
    // Members that ask for different events get all events, and each filters its own.
    const requests = new Set([...this.#members.values()].map(({ events }) => events));
    this.#requestedEvents = requests.size === 1 ? [...requests][0] : '';
    const lookback = this.#needsLookback && this.#lastEventId ? 'true' : '';
    return withQuery(this.url, { events: this.#requestedEvents, last_event_id: this.#lastEventId, lookback });
  }

  async #connect() {
    this.#abort();
    const request = new AbortController();
    this.#request = request;
    this.#restartSilenceTimer();
    let failure = {};
    try {
      const response = await fetch(this.#nextUrl(), {
        cache: 'no-store',
        credentials: this.credentials,
        headers: { Accept: 'text/event-stream' },
        signal: request.signal,
      });
      if (!isEventStream(response)) failure = await refusal(response);
      else if (request === this.#request) await this.#read(response, request);
    } catch {
      // The error of a failed fetch has no details; `failure` stays empty.
    }
    if (request === this.#request) this.#fail(failure);
  }

  async #read({ body, url }, request) {
    const parser = new Parser();
    const reader = body.getReader();
    const { origin } = new URL(url);
    this.#isOpen = true;
    this.emit({ session: this.#session, open: true });
    for (;;) {
      const { done, value } = await reader.read();
      if (done || request !== this.#request) return;
      const events = parser.read(value);
      for (const event of events) this.#note(event);
      this.#retryDelay = parser.retry ?? this.#retryDelay;
      this.#restartSilenceTimer();
      if (events.length) this.emit({ session: this.#session, events, origin });
    }
  }

  /** Keeps what the next request needs to know of an event. */
  #note({ name, data, id }) {
    this.#failures = 0;
    if (id !== undefined) {
      this.#lastEventId = id;
      this.#needsLookback = false;
    }
    if (name === 'sse.heartbeat') this.#silenceTimeout = silenceTimeout(data);
  }

  #restartSilenceTimer() {
    this.#receivedAt = Date.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail({}), this.#silenceTimeout);
  }

  #fail({ status, body, retryAfter }) {
    this.#abort();
    const final = FINAL_STATUSES.includes(status);
    if (!final) this.#timer = setTimeout(() => this.#connect(), this.#nextDelay(retryAfter));
    this.emit({ session: this.#session, error: { status, body, final } });
  }

  /** Part of each delay is random, so that the clients of a restarted server do not all reconnect at once. */
  #nextDelay(retryAfter) {
    const backoff = Math.min(MAX_BACKOFF_MS, this.#retryDelay * 2 ** this.#failures++);
    const requested = Number(retryAfter) * 1000 || Date.parse(retryAfter) - Date.now();
    if (requested > 0) return Math.min(requested * (1 + Math.random() / 4), MAX_RETRY_AFTER_MS);
    return backoff * (0.5 + Math.random() / 2);
  }
}

function isEventStream({ status, headers }) {
  return status === 200 && /^\s*text\/event-stream\s*(;|$)/i.test(headers.get('content-type'));
}

async function refusal(response) {
  const body = (await response.text()).slice(0, MAX_BODY_LENGTH);
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}
