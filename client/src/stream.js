// The connection to the server, opened again whenever it is lost.

import { compareEventIds } from './event-id.js';
import { SILENCE_TIMEOUT_MS, silenceTimeout } from './heartbeat.js';
import { LatestValues } from './latest-values.js';
import { Parser } from './parser.js';
import { isEventStream, refusal } from './response.js';
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
/** Precedes the identity of the user, in a comment at the beginning of a stream that is not the same for everybody. */
const IDENTITY = 'identity ';
/**
 * The longest delay after a planned end: short, because the server is working, but random, because many
 * streams may end together.
 */
const MAX_PLANNED_DELAY_MS = 100;
/** Responses that another request would not change. */
const FINAL_STATUSES = [204, 401, 403, 404, 410];

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
  /** Whether a member needs the latest values. */
  #needsLatest = false;
  /** The latest values of the connection, if it was asked for them. */
  #latestValues;
  /** The events that the newest request named; empty for all. */
  #requestedEvents = '';
  /** The identity of the connection, empty if it has none; undefined until its first event has arrived. */
  #identity;
  /** The names of the events that the connection may carry, as the server has listed them. */
  #eventNames;
  /** Whether the server names its events, and so the identity, at the beginning of each connection. */
  #serverNamesEvents = false;
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
  /** Whether the console tells that the headers have failed. */
  #hasWarned = false;

  /** `requestedWait` is how long the server has asked to wait before the next request. */
  constructor({ url, credentials, headers }, requestedWait, emit) {
    Object.assign(this, { url, credentials, headers, requestedWait, emit });
  }

  join(request) {
    const { member, id, isNew, needsLatest, serverNamesEvents } = request;
    this.#serverNamesEvents ||= serverNamesEvents;
    const order = id === this.#lastEventId ? 0 : compareEventIds(id, this.#lastEventId);
    const isServed = !isNew && !needsLatest && order >= 0 && this.#serves(request);
    this.#members.set(member, request);
    if (isServed) {
      const members = new Map([[member, id]]);
      this.emit({
        session: this.#session,
        members,
        open: this.#isOpen,
        identity: this.#identity,
        eventNames: this.#eventNames,
      });
      return;
    }
    let gap;
    if (needsLatest) this.#needsLatest = true;
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
    this.#request = this.#identity = this.#eventNames = undefined;
    this.#isOpen = false;
  }

  #nextUrl() {
    // Members that ask for different events get all events, and each filters its own.
    const requests = new Set([...this.#members.values()].map(({ events }) => events));
    this.#requestedEvents = requests.size === 1 ? [...requests][0] : '';
    const lookback = this.#needsLookback && this.#lastEventId ? 'true' : '';
    const latest = this.#needsLatest ? 'true' : '';
    this.#latestValues = latest ? new LatestValues(lookback ? '' : this.#lastEventId) : undefined;
    return withQuery(this.url, {
      events: this.#requestedEvents,
      last_event_id: this.#lastEventId,
      lookback,
      latest,
    });
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
      const headers =
        typeof this.headers === 'function' ? await this.#callHeaders() : new Headers(this.headers || {});
      headers.set('Accept', 'text/event-stream');
      if (request !== this.#request) return;
      const response = await fetch(this.#nextUrl(), {
        cache: 'no-store',
        credentials: this.credentials,
        headers,
        signal: request.signal,
      });
      if (!isEventStream(response)) failure = await refusal(response);
      else if (request === this.#request) failure = await this.#read(response, request);
    } catch {
      // The error of a failed fetch has no details; `failure` stays empty.
    }
    if (request === this.#request) this.#fail(failure);
  }

  async #callHeaders() {
    const { headers } = this;
    try {
      return new Headers((await headers()) || {});
    } catch (error) {
      if (!this.#hasWarned) console.warn('sse.js: the function in the option `headers` failed:', error);
      this.#hasWarned = true;
      throw error;
    }
  }

  /** Reads until the stream ends, and returns how it ended. */
  async #read({ body, url }, request) {
    const parser = new Parser();
    const reader = body.getReader();
    const { origin } = new URL(url);
    let isPlanned = false;
    let identity = '';
    let eventNames;
    this.requestedWait.end();
    // Pages load data when a connection opens, which a page of another user must not do. So the connection counts as
    // open when its identity is known, unless the server may be of another kind.
    if (!this.#serverNamesEvents) {
      this.#isOpen = true;
      this.emit({ session: this.#session, open: true });
    }
    for (;;) {
      const { done, value } = await reader.read();
      if (done || request !== this.#request) return { isPlanned };
      const events = parser.read(value);
      let isStale = false;
      for (const event of events) {
        if (event.name === 'sse.gap' && !this.#latestValues?.isBeginning) {
          isStale = true;
          this.#latestValues = undefined;
        }
        this.#note(event);
      }
      for (const comment of parser.comments) {
        isPlanned = comment === PLANNED_END;
        if (comment.startsWith(EVENT_NAMES)) eventNames = comment.slice(EVENT_NAMES.length);
        if (comment.startsWith(IDENTITY)) identity = comment.slice(IDENTITY.length);
      }
      this.#retryDelay = parser.retry ?? this.#retryDelay;
      this.#restartSilenceTimer();
      // The identity precedes the first event. Nothing is delivered before every tab can compare it.
      if (events.some(({ data, id }) => (data ?? id) !== undefined)) this.#identity ??= identity;
      if (this.#identity === undefined || !(events.length || eventNames !== undefined)) continue;
      this.#eventNames = eventNames ?? this.#eventNames;
      if (eventNames !== undefined) this.#serverNamesEvents = true;
      const open = !this.#isOpen;
      this.#isOpen = true;
      this.emit({ session: this.#session, open, identity: this.#identity, eventNames, events, origin });
      eventNames = undefined;
      if (isStale) this.#requestLatest(request);
    }
  }

  /** Keeps what the next request needs to know of an event. */
  #note(event) {
    const { name, data, id } = event;
    this.#failures = 0;
    this.#latestValues?.mark(event);
    if (event.latest === false) this.#needsLatest = false;
    // A latest value may be old: the next connection must not resume after it.
    if (id !== undefined && !event.latest) {
      this.#lastEventId = id;
      this.#needsLookback = false;
    }
    if (name === 'sse.heartbeat') this.#silenceTimeout = silenceTimeout(data);
  }

  /** After a gap, members that show the latest values may have missed some of them. */
  #requestLatest(request) {
    const isWanted = [...this.#members.values()].some(({ wantsLatest }) => wantsLatest);
    if (!isWanted || request !== this.#request) return;
    this.#needsLatest = true;
    // Many clients may have the same gap.
    this.#reconnect(this.#nextDelay(true));
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
