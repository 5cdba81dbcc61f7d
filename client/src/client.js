// The class that pages use.

import { SseEvent } from './event.js';
import { ListenerCheck } from './listener-check.js';
import { subscriptionOptions } from './options.js';
import { afterPageScripts } from './page-scripts.js';
import { Subscription } from './subscription.js';

const [CONNECTING, OPEN, CLOSED] = [0, 1, 2];
/**
 * A lost connection may take this long to return before the status becomes `reconnecting`. The server ends
 * streams as planned and the client returns within a second, which users need not see.
 */
const RECONNECTING_DELAY_MS = 2000;
/** Refusals after which the client tries again when the user returns to the page, perhaps after a login. */
const LOGIN_STATUSES = [401, 403];

/**
 * An EventSource that reconnects after every failure, and resumes where it was.
 *
 *     const sse = new SseClient();
 *     sse.addEventListener('event_name1', (event) => JSON.parse(event.data).timestamp);
 *     sse.on('event_name1', (value, event) => console.log(value, event.time, event.lastEventId));
 *
 * The names of its own events are reserved: the server accepts no app event whose name starts with `sse.`.
 */
export class SseClient extends EventTarget {
  onopen = null;
  onmessage = null;
  onerror = null;
  onstatus = null;
  ongap = null;
  onidentitychanged = null;

  #url;
  #withCredentials;
  #status = 'idle';
  #readyState = CLOSED;
  /** Removes this client's listeners from the page. */
  #pageListeners;
  #subscription;
  /** By event name: the functions registered with `on` and `once`, and the DOM listeners that call them. */
  #registered = new Map();
  /** The names of all app events received so far, which `*` stands for. */
  #appEvents = new Set();
  #reconnectingTimer;
  /** The names of the events that the server may send; empty while it has not named them. */
  #events = [];
  #listenerCheck = new ListenerCheck();
  /** The last refusal of which the console tells, so that a page that calls `connect()` often does not fill it. */
  #warnedStatus;

  constructor(url = '/sse/stream', options = {}) {
    super();
    for (const name of ['open', 'message', 'error', 'sse.status', 'sse.gap', 'sse.identity-changed']) {
      const handler = `on${name.replace(/sse\.|-/g, '')}`;
      super.addEventListener(name, (event) => this[handler]?.(event));
    }
    this.#withCredentials = Boolean(options.withCredentials);
    this.#url = String(url);
    const pageUrl = globalThis.document?.baseURI ?? globalThis.location?.href;
    if (!pageUrl || typeof ReadableStream !== 'function') {
      this.#subscription = new Subscription(options);
      this.#status = 'unsupported';
      return;
    }
    const { url: fullUrl, subscription } = subscriptionOptions(url, pageUrl, options);
    this.#url = fullUrl;
    this.#listenerCheck.requested = subscription.events;
    this.#subscription = new Subscription(subscription, {
      open: () => this.#opened(),
      error: (failure) => this.#failed(failure),
      gap: (reason) => this.#dispatchOwn('sse.gap', { reason }),
      identityChanged: () => this.#identityChanged(),
      eventNames: (list) => this.#setEvents(list),
      dispatch: (name, data, init) => this.#dispatch(name, data, init),
    });
    this.#open(false);
  }

  get url() {
    return this.#url;
  }
  get withCredentials() {
    return this.#withCredentials;
  }
  get lastEventId() {
    return this.#subscription.lastEventId;
  }
  get status() {
    return this.#status;
  }
  get readyState() {
    return this.#readyState;
  }
  get events() {
    return this.#events;
  }
  get leading() {
    return this.#subscription.isLeading;
  }

  addEventListener(name, listener, options) {
    super.addEventListener(name, listener, options);
    if (listener) this.#listenerCheck.addListener(String(name));
  }

  on(name, listener) {
    return this.#register(name, listener, false);
  }

  once(name, listener) {
    return this.#register(name, listener, true);
  }

  off(name, listener) {
    const domListener = this.#registered.get(name)?.get(listener);
    if (!domListener) return;
    this.#registered.get(name).delete(listener);
    for (const each of this.#expand(name)) this.removeEventListener(each, domListener);
  }

  /** Opens the stream again after it was closed or refused, or at once if the client waits for a retry. */
  connect() {
    if (this.#status === 'closed') this.#open(true);
    else if (this.#status !== 'open') this.#subscription.check(true);
  }

  close() {
    this.#pageListeners?.abort();
    if (this.#status === 'closed' || this.#status === 'unsupported') return;
    this.#stop();
    this.#readyState = CLOSED;
    this.#setStatus('closed');
  }

  #register(name, listener, isOnce) {
    if (typeof listener !== 'function') throw new TypeError(`the listener for ${name} is not a function`);
    this.off(name, listener);
    const domListener = (event) => {
      if (isOnce) this.off(name, listener);
      listener(event.value, event);
    };
    if (!this.#registered.has(name)) this.#registered.set(name, new Map());
    this.#registered.get(name).set(listener, domListener);
    for (const each of this.#expand(name)) this.addEventListener(each, domListener);
    return () => {
      // A later `on` with the same function may have replaced this registration.
      if (this.#registered.get(name).get(listener) === domListener) this.off(name, listener);
    };
  }

  #expand(name) {
    return name === '*' ? this.#appEvents : [name];
  }

  /** Adds the listeners of `*` to an app event, before the first event of that name is dispatched. */
  #addAppEvent(name) {
    if (this.#appEvents.has(name)) return;
    this.#appEvents.add(name);
    for (const listener of this.#registered.get('*')?.values() ?? []) this.addEventListener(name, listener);
  }

  /** Replaces the listeners to the page. */
  #listenToPage(handlers) {
    this.#pageListeners?.abort();
    this.#pageListeners = new AbortController();
    const { signal } = this.#pageListeners;
    const listen = (target, name, handler) => {
      const guarded = (event) => {
        // Node.js may keep a listener whose signal has aborted.
        if (!signal.aborted) handler?.(event);
      };
      target?.addEventListener?.(name, guarded, { signal });
    };
    listen(globalThis, 'pagehide', handlers.hide);
    listen(globalThis, 'pageshow', ({ persisted }) => {
      if (persisted) handlers.restore();
    });
    listen(globalThis, 'online', handlers.online);
    listen(globalThis.document, 'visibilitychange', () => {
      if (!document.hidden) handlers.show();
    });
  }

  /**
   * With `isForced`, it connects at once, even if the server has asked to wait. Otherwise it connects after the page's
   * scripts have run, so that their listeners miss no event.
   */
  #open(isForced) {
    this.#listenToPage({
      // A page with a connection, a lock or a channel may not enter the back/forward cache.
      hide: () => this.#stop(),
      restore: () => this.#start(false),
      online: () => this.#subscription.replaceConnection(),
      show: () => this.#subscription.check(false),
    });
    this.#readyState = CONNECTING;
    if (isForced) this.#start(true);
    else afterPageScripts(() => this.#start(false), this.#pageListeners.signal);
    this.#setStatus('connecting');
  }

  #start(isForced) {
    if (this.#subscription.isStarted) return;
    this.#readyState = CONNECTING;
    this.#subscription.start(isForced);
  }

  #stop() {
    clearTimeout(this.#reconnectingTimer);
    this.#reconnectingTimer = undefined;
    this.#subscription.stop();
  }

  #opened() {
    if (this.#readyState === OPEN) return;
    this.#readyState = OPEN;
    this.#setStatus('open');
    // A listener to the status may have closed the client.
    if (this.#readyState === OPEN) this.dispatchEvent(new Event('open'));
  }

  /** The page shows what belongs to another user, so it must receive nothing more. */
  #identityChanged() {
    this.close();
    this.#dispatchOwn('sse.identity-changed', null);
  }

  #setEvents(list) {
    if (this.onmessage) this.#listenerCheck.addListener('message');
    if (this.#events.join() === list) return;
    this.#events = list ? list.split(',') : [];
    this.#listenerCheck.setEvents(this.#events);
    this.#dispatchOwn('sse.events', this.#events);
  }

  #dispatchOwn(name, value) {
    const { origin } = new URL(this.#url);
    this.#dispatch(name, JSON.stringify(value), { origin });
  }

  #failed({ status, body, final }) {
    this.#readyState = CONNECTING;
    if (final) this.#stopForGood(status);
    else if (this.#status === 'open' && status === undefined && this.#reconnectingTimer === undefined) {
      this.#reconnectingTimer = setTimeout(() => this.#setStatus('reconnecting'), RECONNECTING_DELAY_MS);
    } else this.#setStatus('reconnecting');
    if (final || this.#status !== 'closed') {
      this.dispatchEvent(Object.assign(new Event('error'), { status, body, final }));
    }
  }

  #stopForGood(status) {
    this.close();
    // A listener to the status may have opened the client again.
    if (LOGIN_STATUSES.includes(status) && this.#status === 'closed') {
      const retry = () => this.#open(false);
      this.#listenToPage({ restore: retry, show: retry });
    }
    if (this.#warnedStatus === status) return;
    this.#warnedStatus = status;
    const { origin, pathname } = new URL(this.#url);
    console.warn(
      `sse.js: the stream ${pathname} answered ${status}; the client has stopped. Run \`sse doctor ${origin}${pathname}\`, or call connect() to try again.`,
    );
  }

  #setStatus(status) {
    clearTimeout(this.#reconnectingTimer);
    this.#reconnectingTimer = undefined;
    if (this.#status === status) return;
    this.#status = status;
    this.#dispatch('sse.status', status, { lastEventId: this.lastEventId });
  }

  #dispatch(name, data, init) {
    if (!name.startsWith('sse.')) this.#addAppEvent(name);
    this.dispatchEvent(new SseEvent(name, { data, ...init }));
  }
}

for (const target of [SseClient, SseClient.prototype]) {
  for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSED })) {
    Object.defineProperty(target, name, { value });
  }
}
