// The connection to the server, opened again whenever it is lost.

import { compareEventIds } from './event-id.js';
import { SILENCE_TIMEOUT_MS, silenceTimeout } from './heartbeat.js';
import { Parser } from './parser.js';
import { withQuery } from './url.js';

/** The delay before the first retry until the server names another: the server's own default. */
const RETRY_DELAY_MS = 1000;
/** Limits the doubling of the delay, so that a page recovers soon after a server that was down for long. */
const MAX_BACKOFF_MS = 30_000;
/**
 * The least time between two requests, unless something else than the loss of the connection causes the second.
 * However short a delay the server has named, a client that fails again and again causes little load.
 */
const MIN_REQUEST_INTERVAL_MS = 1000;
/** The server ends each stream after some time. It announces this end with a comment. */
const PLANNED_END = 'planned end';
/** Precedes the names of the events that the stream may carry, in a comment. */
const EVENT_NAMES = 'events ';
/**
 * The longest delay after a planned end: short, because the server is working, but random, because many
 * streams may end together.
 */
const MAX_PLANNED_DELAY_MS = 100;
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
  /** The names of the events that the stream may carry, as the server has listed them. */
  #eventNames;
  #session = 0;
  #request;
  #isOpen = false;
  /** The timer for silence while a request is open, else for the next retry. */
  #timer;
  #retryDelay = RETRY_DELAY_MS;
  #failures = 0;
  #requestedAt = 0;
  #silenceTimeout = SILENCE_TIMEOUT_MS;
  #receivedAt = 0;

  /** `requestedWait` is how long the server has asked to wait before the next request. */
  constructor(url, credentials, requestedWait, emit) {
    Object.assign(this, { url, credentials, requestedWait, emit });
  }

  join(request) {
    const { member, id, isNew } = request;
    const order = id === this.#lastEventId ? 0 : compareEventIds(id, this.#lastEventId);
    const isServed = !isNew && order >= 0 && this.#serves(request);
    this.#members.set(member, request);
    if (isServed) {
      const members = new Map([[member, id]]);
      this.emit({ session: this.#session, members, open: this.#isOpen, eventNames: this.#eventNames });
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
    // A new request sends the current cookies, so a login since the last request takes effect. While this stream
    // waits for a retry, only a new page makes it try earlier.
    if (isNew || !this.#isWaiting) this.#reconnect();
  }

  /** Whether the timer for the next retry runs. */
  get #isWaiting() {
    return !this.#request && this.#timer !== undefined;
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
   * Reconnects if it is forced to, if it waits for a retry, or if the server was silent for too long.
   */
  check(force) {
    // Timers stop while the machine sleeps, so the time is compared as well.
    if (!this.#request || force || Date.now() - this.#receivedAt > this.#silenceTimeout) this.#reconnect();
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

  /** Connects after the delay, but not before the server allows it. */
  #reconnect(delay = 0) {
    this.#abort();
    const wait = Math.max(delay, this.requestedWait.left);
    if (wait > 0) this.#timer = setTimeout(() => this.#reconnect(), wait);
    else this.#connect();
  }

  async #connect() {
    const request = new AbortController();
    this.#request = request;
    this.#requestedAt = Date.now();
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
      else if (request === this.#request) failure = await this.#read(response, request);
    } catch {
      // The error of a failed fetch has no details; `failure` stays empty.
    }
    if (request === this.#request) this.#fail(failure);
  }

  /** Reads until the stream ends, and returns how it ended. */
  async #read({ body, url }, request) {
    const parser = new Parser();
    const reader = body.getReader();
    const { origin } = new URL(url);
    let isPlanned = false;
    this.#isOpen = true;
    this.requestedWait.end();
    this.emit({ session: this.#session, open: true });
    for (;;) {
      const { done, value } = await reader.read();
      if (done || request !== this.#request) return { isPlanned };
      const events = parser.read(value);
      for (const event of events) this.#note(event);
      let eventNames;
      for (const comment of parser.comments) {
        isPlanned = comment === PLANNED_END;
        if (comment.startsWith(EVENT_NAMES)) eventNames = comment.slice(EVENT_NAMES.length);
      }
      this.#eventNames = eventNames ?? this.#eventNames;
      this.#retryDelay = parser.retry ?? this.#retryDelay;
      this.#restartSilenceTimer();
      if (events.length || eventNames !== undefined) {
        this.emit({ session: this.#session, eventNames, events, origin });
      }
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

  #fail({ status, body, retryAfter, isPlanned }) {
    this.#abort();
    const final = FINAL_STATUSES.includes(status);
    if (!final) {
      this.requestedWait.begin(retryAfter);
      this.#reconnect(this.#nextDelay(isPlanned));
    }
    this.emit({ session: this.#session, error: { status, body, final } });
  }

  #nextDelay(isPlanned) {
    const delay = isPlanned ? Math.random() * MAX_PLANNED_DELAY_MS : this.#nextBackoff();
    // A clock that was set back must not make the delay longer.
    const sinceRequest = Math.max(0, Date.now() - this.#requestedAt);
    return Math.max(delay, MIN_REQUEST_INTERVAL_MS - sinceRequest);
  }

  /** Part of each delay is random, so that the clients of a restarted server do not all reconnect at once. */
  #nextBackoff() {
    // Doubling would never raise a delay of 0.
    const base = this.#failures ? Math.max(this.#retryDelay, MIN_REQUEST_INTERVAL_MS) : this.#retryDelay;
    const backoff = Math.min(MAX_BACKOFF_MS, base * 2 ** this.#failures++);
    // The server has named the time.
    if (this.requestedWait.left) return 0;
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
