// What pages use.

import { SseEvent } from './event.js';
import { stored } from './memory.js';
import { order } from './order.js';
import { withQuery } from './query.js';
import { SILENCE_MS, silenceAfter } from './silence.js';
import { Stream } from './stream.js';
import { Tabs } from './tabs.js';

const [CONNECTING, OPEN, CLOSED] = [0, 1, 2];
/** How long a tab may take to answer another before it is taken to be frozen. */
const ANSWER_MS = 5000;
/**
 * How long a lost connection may take to come back before the status says so. Streams end by plan and
 * begin again within a moment; nobody needs to see that.
 */
const GRACE_MS = 2000;

/**
 * A stream of events, used like an EventSource, that does not give up.
 *
 *     const sse = new SseClient();
 *     sse.addEventListener('event_name1', (event) => JSON.parse(event.data).timestamp);
 *     sse.on('event_name1', (value, event) => console.log(value, event.time, event.lastEventId));
 *
 * Its own events have names that the server keeps free, so that they meet none of yours.
 */
export class SseClient extends EventTarget {
  onopen = null;
  onmessage = null;
  onerror = null;
  onstatus = null;
  ongap = null;

  #url;
  #base;
  #events;
  #withCredentials;
  #share;
  #resume;
  #lastEventId = '';
  #status = 'idle';
  #readyState = CLOSED;
  #leading = false;
  /** Ends what listens to the page. */
  #page;
  /** This client's name among those that share a connection. */
  #client;
  /** The newest leadership that this tab knows of; a higher number is a newer one. */
  #generation = 0;
  /** The run of that leader's connection which serves this tab. */
  #run;
  #tabs;
  #stream;
  /** True once a connection was lost that had named no place to return to. */
  #placeLost = false;
  #graceTimer;
  #silenceTimer;
  #silence = SILENCE_MS;
  /** By name: the functions given to `on` and `once`, and the listeners around them. */
  #wrapped = new Map();
  /** The app's events that have come. */
  #names = new Set();

  constructor(url = '/sse/stream', options = {}) {
    super();
    const handlers = { open: 'onopen', message: 'onmessage', error: 'onerror', 'sse.status': 'onstatus', 'sse.gap': 'ongap' };
    for (const [name, handler] of Object.entries(handlers)) {
      this.addEventListener(name, (event) => this[handler]?.(event));
    }
    const { withCredentials = false, events = [], lastEventId = '', resume = true, share = true } = options;
    const here = globalThis.document?.baseURI ?? globalThis.location?.href;
    this.#withCredentials = Boolean(withCredentials);
    this.#lastEventId = String(lastEventId);
    this.#resume = resume;
    if (!here || typeof ReadableStream !== 'function') {
      this.#url = String(url);
      this.#status = 'unsupported';
      return;
    }
    const base = new URL(url, here);
    this.#events = [...events, ...(base.searchParams.get('events')?.split(',') ?? [])];
    base.searchParams.delete('events');
    this.#base = base.href;
    this.#url = withQuery(base, { events: this.#events.join() });
    const canShare = share !== false && navigator.locks && globalThis.BroadcastChannel;
    // Who may hear different things must not hear each other's.
    if (canShare) this.#share = JSON.stringify(['sse', this.#base, this.#withCredentials, String(share)]);
    if (resume && !lastEventId) this.#lastEventId = stored(this.#url) ?? '';
    this.connect();
  }

  get url() { return this.#url; }
  get withCredentials() { return this.#withCredentials; }
  get lastEventId() { return this.#lastEventId; }
  get status() { return this.#status; }
  get readyState() { return this.#readyState; }
  get leading() { return this.#leading; }

  on(name, listener) { return this.#register(name, listener, false); }
  once(name, listener) { return this.#register(name, listener, true); }

  off(name, listener) {
    const wrapped = this.#wrapped.get(name)?.get(listener);
    if (!wrapped) return;
    this.#wrapped.get(name).delete(listener);
    for (const each of this.#namesOf(name)) this.removeEventListener(each, wrapped);
  }

  /** Opens the stream again that was closed or refused. */
  connect() {
    if (this.#status !== 'idle' && this.#status !== 'closed') return;
    this.#page = new AbortController();
    const { signal } = this.#page;
    const when = (target, name, then) => {
      // Node.js now and then keeps a listener whose signal has aborted.
      const alive = (event) => { if (!signal.aborted) then(event); };
      target?.addEventListener?.(name, alive, { signal });
    };
    // The browser may keep the page, but no connection, no lock and no channel with it.
    when(globalThis, 'pagehide', () => this.#stop());
    when(globalThis, 'pageshow', (event) => { if (event.persisted) this.#start(); });
    when(globalThis, 'online', () => this.#nudge(true));
    when(globalThis.document, 'visibilitychange', () => { if (!document.hidden) this.#nudge(false); });
    this.#start();
    this.#setStatus('connecting');
  }

  close() {
    if (this.#status === 'closed' || this.#status === 'unsupported') return;
    this.#page.abort();
    this.#stop();
    this.#readyState = CLOSED;
    this.#setStatus('closed');
  }

  #register(name, listener, once) {
    if (typeof listener !== 'function') throw new TypeError(`the listener for ${name} is not a function`);
    this.off(name, listener);
    const wrapped = (event) => {
      if (once) this.off(name, listener);
      listener(event.value, event);
    };
    if (!this.#wrapped.has(name)) this.#wrapped.set(name, new Map());
    this.#wrapped.get(name).set(listener, wrapped);
    for (const each of this.#namesOf(name)) this.addEventListener(each, wrapped);
    return () => {
      if (this.#wrapped.get(name).get(listener) === wrapped) this.off(name, listener);
    };
  }

  #namesOf(name) { return name === '*' ? this.#names : [name]; }

  /** Who listens to all events listens to this one, too, from the first of its name on. */
  #known(name) {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    for (const wrapped of this.#wrapped.get('*')?.values() ?? []) this.addEventListener(name, wrapped);
  }

  // ---- Beginning and end

  #start() {
    if (this.#client) return;
    this.#client = Math.random().toString(36).slice(2);
    this.#readyState = CONNECTING;
    if (!this.#share) {
      this.#lead();
      return;
    }
    this.#tabs = new Tabs(this.#share, {
      lead: () => this.#lead(),
      follow: () => this.#follow(),
      hear: (message) => this.#hear(message),
    });
    this.#post({ join: this.#hello(true) });
    this.#expectLeader();
  }

  #stop() {
    this.#noteLostPlace();
    this.#post({ leave: this.#client });
    this.#tabs?.close();
    this.#stream?.close();
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#silenceTimer);
    this.#generation = 0;
    this.#client = this.#run = this.#tabs = this.#stream = this.#graceTimer = undefined;
    this.#keepPlace();
    this.#setLeading(false);
  }

  #hello(isNew) {
    return { client: this.#client, id: this.#lastEventId, events: this.#events.join(), isNew };
  }

  /**
   * Whether a run serves this tab. The runs of a leader follow each other without a gap, but the first one has
   * to begin where this tab is: the leader may have come late to a request from when it had no place yet.
   */
  #isIn(clients) {
    if (!clients?.has(this.#client)) return false;
    return this.#run !== undefined || clients.get(this.#client) === this.#lastEventId;
  }

  // ---- One connection for all tabs

  #post(message) { this.#tabs?.post({ generation: this.#generation, ...message }); }

  #lead() {
    clearTimeout(this.#silenceTimer);
    this.#stream?.close();
    // Newer than all that this tab has heard of. Chance tells it from that of a tab that has heard the same.
    this.#generation = Math.floor(this.#generation) + 1 + Math.random();
    this.#post({ who: true });
    this.#stream = new Stream(this.#base, this.#withCredentials ? 'include' : 'same-origin', (message) => {
      // The others come first: a listener here may take its time.
      this.#post(message);
      this.#receive(message);
    });
    this.#stream.join(this.#hello(false));
    this.#setLeading(true);
  }

  #stopLeading() {
    this.#stream?.close();
    this.#stream = undefined;
    this.#setLeading(false);
  }

  /** Another tab has taken the lead, because this one was not heard for too long. */
  #follow() {
    this.#stopLeading();
    this.#joinAgain();
  }

  #joinAgain() {
    if (!this.#client) return;
    this.#noteLostPlace();
    this.#run = undefined;
    this.#post({ join: this.#hello(false) });
    this.#expectLeader();
  }

  /**
   * What another tab says. A tab that was busy for long says late what was true once, and does not know who
   * leads now; so nothing of an older generation counts, and a leader that hears of a newer one steps down.
   */
  #hear(message) {
    const { generation, join, leave, nudge, who, clients } = message;
    const known = this.#generation;
    if (generation > known) {
      this.#generation = generation;
      this.#run = undefined;
      if (this.#stream) {
        this.#tabs.stepDown();
        this.#stopLeading();
      }
    }
    if (join) this.#stream?.join(join);
    if (leave) this.#stream?.leave(leave);
    if (nudge !== undefined) this.#stream?.nudge(nudge);
    if (generation < known) {
      // It has the lock but not the highest number. It steps down when it hears of that.
      if (who) this.#post({});
    } else if (this.#stream) return;
    // A tab that has just come need not ask again: its first message reaches every leader that is there, and
    // a later leader asks who is there.
    else if (who || (known && generation > known && !this.#isIn(clients))) this.#joinAgain();
    else this.#receive(message);
  }

  /** Asks again where this tab was not served for too long. */
  #expectLeader() {
    clearTimeout(this.#silenceTimer);
    // Not all at once.
    const wait = this.#silence + Math.random() * ANSWER_MS;
    this.#silenceTimer = setTimeout(() => this.#ask({}), wait);
  }

  /** Asks the leader to serve this tab, and takes its place if it does not answer. */
  #ask(message) {
    this.#post({ join: this.#hello(false), ...message });
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#tabs.steal(), ANSWER_MS);
  }

  #nudge(isCertain) {
    if (this.#stream) this.#stream.nudge(isCertain);
    else if (this.#client) this.#ask({ nudge: isCertain });
  }

  // ---- What is heard

  #receive({ run, clients, lost, up, events, origin, down }) {
    if (this.#isIn(clients)) {
      this.#run = run;
      if (lost?.includes(this.#client)) this.#gap('other-epoch');
    }
    if (run === undefined || run !== this.#run) return;
    if (!this.#stream) this.#expectLeader();
    if (up) {
      // Without `clients`, this is a new connection.
      if (!clients) this.#noteLostPlace();
      this.#opened();
    }
    if (events) this.#deliver(events, origin);
    if (down) this.#failed(down);
  }

  #opened() {
    if (this.#readyState !== OPEN) {
      this.#readyState = OPEN;
      this.#setStatus('open');
      if (this.#readyState === OPEN) this.dispatchEvent(new Event('open'));
    }
    if (this.#readyState !== OPEN || !this.#placeLost) return;
    this.#placeLost = false;
    this.#gap('connection-lost');
  }

  /** Nothing says what was missed where a stream was open that had named no place. */
  #noteLostPlace() { this.#placeLost ||= this.#readyState === OPEN && this.#lastEventId === ''; }

  #deliver(events, origin) {
    const run = this.#run;
    for (const { name, data, id } of events) {
      const isOurs = name.startsWith('sse.');
      // Another client of the connection may have begun further back. Where the server does not know
      // the place that it was asked for, the new one counts.
      const isOld = order(id, this.#lastEventId) <= 0 && !(name === 'sse.gap' && data?.includes('unknown-id'));
      if (id !== undefined && !isOld) this.#lastEventId = id;
      if (name === 'sse.heartbeat') this.#silence = silenceAfter(data);
      else if (isOld) continue;
      if (data === undefined || (!isOurs && this.#events.length && !this.#events.includes(name))) continue;
      if (!isOurs) this.#known(name);
      this.dispatchEvent(new SseEvent(name, { data, lastEventId: this.#lastEventId, origin }));
      if (run !== this.#run) return;
    }
    this.#keepPlace();
  }

  #failed({ status, body, final }) {
    this.#noteLostPlace();
    this.#readyState = CONNECTING;
    if (final) this.close();
    else if (this.#status === 'open' && status === undefined && this.#graceTimer === undefined) {
      this.#graceTimer = setTimeout(() => this.#setStatus('reconnecting'), GRACE_MS);
    } else this.#setStatus('reconnecting');
    if (final || this.#status !== 'closed') {
      this.dispatchEvent(Object.assign(new Event('error'), { status, body, final }));
    }
  }

  #gap(reason) {
    const data = JSON.stringify({ reason });
    this.dispatchEvent(new SseEvent('sse.gap', { data, origin: new URL(this.#url).origin }));
  }

  #setStatus(status) {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
    if (this.#status === status) return;
    this.#status = status;
    this.dispatchEvent(new SseEvent('sse.status', { data: status, lastEventId: this.#lastEventId }));
  }

  #setLeading(leading) {
    if (this.#leading === leading) return;
    this.#leading = leading;
    this.dispatchEvent(new SseEvent('sse.leading', { data: String(leading) }));
  }

  #keepPlace() { if (this.#resume && this.#lastEventId) stored(this.#url, this.#lastEventId); }
}

for (const target of [SseClient, SseClient.prototype]) {
  for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSED })) Object.defineProperty(target, name, { value });
}
