// This file belongs to actix-web-sse: `sse install` updates it. Declare your own types in a file of your own.

// sse-events.d.ts adds the events in SSE_EVENTS to SseRegister. Without that file, every name is accepted.
// @ts-ignore
import type {} from './sse-events.js';

/**
 * The value types of your events, by event name. The value of an event that is not listed is `any`. Declare
 * yours in any module of the app, with the path from that module:
 *
 *     declare module './js/sse.js' {
 *       interface SseEvents {
 *         order: { order: number };
 *       }
 *     }
 */
export interface SseEvents {}

/** `sse-events.d.ts` adds `names`, the events in SSE_EVENTS. */
export interface SseRegister {}

/** The name of an app event: one of SSE_EVENTS, or any name if `sse-events.d.ts` is missing. */
export type SseName = SseRegister extends { names: infer Names extends string }
  ? Names
  : (string & {}) | Extract<keyof SseEvents, string>;

/** The client's own events, and what their listeners receive. App events cannot have these names. */
export interface SseOwnEvents {
  /** A connection was opened. */
  open: Event;
  /** The connection was lost or refused. */
  error: SseErrorEvent;
  /** The status has changed. */
  'sse.status': SseEvent<SseStatus>;
  /** Events may have been missed: reload data that must be complete. */
  'sse.gap': SseEvent<SseGap>;
  /** The server is alive. The value is the time until the next heartbeat, in seconds. */
  'sse.heartbeat': SseEvent<number>;
  /**
   * The names of the events that the server may send to this client have arrived, or have changed. The value
   * is that of `events`.
   */
  'sse.events': SseEvent<readonly SseName[]>;
  /**
   * The stream now belongs to another user than this page, for example after a login in another tab. The page
   * receives none of its events, and the client has closed: load the page again.
   */
  'sse.identity-changed': SseEvent<null>;
  /** This tab has become the leader, which holds the connection, or has stopped being it. */
  'sse.leading': SseEvent<boolean>;
}

/**
 * A name for which listeners can be added: that of an app event or of a client event, or `message` for events
 * that the server sends without a name.
 */
export type SseListenedName = SseName | keyof SseOwnEvents | 'message';

/** The value that `on` passes to a listener for this name. */
export type SseValue<Name extends string> = Name extends keyof SseOwnEvents
  ? SseOwnEvents[Name] extends SseEvent<infer Value>
    ? Value
    : undefined
  : Name extends keyof SseEvents
    ? SseEvents[Name]
    : any;

/** The event that a listener for this name receives. */
export type SseEventOf<Name extends string> = Name extends keyof SseOwnEvents
  ? SseOwnEvents[Name]
  : SseEvent<SseValue<Name>>;

/** A listener for `on`, `once` and `off`. */
export type SseListener<Name extends string> = (value: SseValue<Name>, event: SseEventOf<Name>) => any;

/** A listener for `addEventListener` and `removeEventListener`, as in EventSource. */
export type SseEventListener<Name extends string> =
  | ((this: SseClient, event: SseEventOf<Name>) => any)
  | { handleEvent(event: SseEventOf<Name>): any }
  | null;

/**
 * The state of the client. `idle`: it has not connected yet. `connecting`: it connects for the first time.
 * `open`: it receives events. `reconnecting`: the connection was lost or refused, and the client retries.
 * `closed`: `close()` was called, the server's refusal was final, or the stream belongs to another user than the
 * page. `unsupported`: this environment cannot
 * read streams; listeners can be added, but are never called.
 */
export type SseStatus = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed' | 'unsupported';

/** Why events may have been missed. */
export interface SseGap {
  /**
   * `unknown-id`: the server cannot parse the last event id. `other-epoch`: the id belongs to another
   * journal, because the cache folder was emptied or replaced. `expired`: the time to live of the events is
   * over. `swept`: the server has removed the events to make room for newer ones. `unreadable`: the server
   * cannot read them back. `connection-lost`: the connection was lost before the server had sent an id.
   */
  readonly reason: 'unknown-id' | 'other-epoch' | 'expired' | 'swept' | 'unreadable' | 'connection-lost';
}

/** The event of a lost or refused connection. */
export interface SseErrorEvent extends Event {
  /** The HTTP status of the refusal; undefined if the connection was lost or never opened. */
  readonly status: number | undefined;
  /** The first 4,096 characters of the refusal's body. */
  readonly body: string | undefined;
  /**
   * Whether the client stops retrying until `connect()` is called. After 401 and 403 it also tries again when
   * the page becomes visible.
   */
  readonly final: boolean;
}

/** A MessageEvent (`data`, `lastEventId`, `origin`) that also has the saved value and its time. */
export class SseEvent<Value = any> extends MessageEvent<string> {
  constructor(type: string, eventInitDict?: MessageEventInit<string>);
  /** The saved value. If the data has none, its JSON; if the data is not valid JSON, its text. */
  readonly value: Value;
  /** When the value was saved, by the server's clock (RFC 3339, UTC); undefined if no value was saved. */
  readonly time: string | undefined;
}

/** What the function `headers` returns. */
export type SseHeaders = HeadersInit | null | undefined;

export interface SseClientOptions {
  /** Whether cookies are also sent to another origin. Default: false. */
  withCredentials?: boolean | undefined;
  /** The events to request from the server. Default: all. */
  events?: readonly SseName[] | undefined;
  /**
   * The audiences to ask for besides those that the server grants without being asked: one name such as
   * `order:42`, or several. The client throws a TypeError if a name is not valid.
   */
  to?: string | readonly string[] | undefined;
  /**
   * Headers of each request, such as `Authorization`. A function is called for each request. With this option,
   * tabs share a connection only if `share` is a name.
   */
  headers?: HeadersInit | (() => SseHeaders | Promise<SseHeaders>) | undefined;
  /**
   * Whether a new page begins with the newest value of each key, also if it was saved before the page opened.
   * Default: false.
   */
  latest?: boolean | undefined;
  /** Resume after the event with this id. Default: the id that `resume` has stored, if any. */
  lastEventId?: string | undefined;
  /**
   * Whether to store the last event id in `sessionStorage`, so that the next page in this tab resumes after
   * it. Default: true.
   */
  resume?: boolean | undefined;
  /**
   * Whether all tabs of this origin that ask for the same audiences share one connection. A string names the
   * user, for example by id: only tabs with the same string share. Default: true, or false with `headers`.
   */
  share?: boolean | string | undefined;
}

/**
 * An EventSource that reconnects after every failure, and resumes where it was.
 *
 *     const sse = new SseClient();
 *     sse.addEventListener('event_name1', (event) => JSON.parse(event.data).timestamp);
 *     sse.on('event_name1', (value, event) => console.log(value, event.time, event.lastEventId));
 *
 * Scripts of the page's HTML may add listeners until `DOMContentLoaded`, and code that runs later in the same task that
 * creates the client: events that were saved while the page loaded arrive with the first bytes.
 */
export class SseClient extends EventTarget {
  /**
   * Opens the stream when the scripts of the page's HTML have run, after five seconds at the latest; at once if they
   * have run already.
   * @param url The stream's URL, relative to the page. Default: `/sse/stream`.
   */
  constructor(url?: string | URL, options?: SseClientOptions);

  /** The `readyState` of a client that is connecting: 0. */
  static readonly CONNECTING: 0;
  /** The `readyState` of a client that receives events: 1. */
  static readonly OPEN: 1;
  /** The `readyState` of a client that was closed, or refused for good: 2. */
  static readonly CLOSED: 2;
  /** The `readyState` of a client that is connecting: 0. */
  readonly CONNECTING: 0;
  /** The `readyState` of a client that receives events: 1. */
  readonly OPEN: 1;
  /** The `readyState` of a client that was closed, or refused for good: 2. */
  readonly CLOSED: 2;

  /** The stream's URL, with the requested audiences and events, and without the last event id. */
  readonly url: string;
  /** Whether cookies are also sent to another origin. */
  readonly withCredentials: boolean;
  /** As in EventSource: `CONNECTING`, `OPEN` or `CLOSED`. `status` has more detail. */
  readonly readyState: 0 | 1 | 2;
  /** The id of the last event received, including heartbeats; empty before the first. */
  readonly lastEventId: string;
  /** The state of the client. */
  readonly status: SseStatus;
  /**
   * The names of the events that the server may send to this client: those in SSE_EVENTS, or those that the
   * server allows it. Empty while the server has not named them.
   */
  readonly events: readonly SseName[];
  /** Whether this tab holds the connection. A tab that does not share one leads while it is connected. */
  readonly leading: boolean;

  /** Called when a connection opens. Default: null. */
  onopen: ((this: SseClient, event: Event) => any) | null;
  /** Called for each event without a name, or with the name `message`. Default: null. */
  onmessage: ((this: SseClient, event: SseEventOf<'message'>) => any) | null;
  /** Called when the connection is lost or refused. Default: null. */
  onerror: ((this: SseClient, event: SseErrorEvent) => any) | null;
  /** Called when the status changes. Default: null. */
  onstatus: ((this: SseClient, event: SseEvent<SseStatus>) => any) | null;
  /** Called when events may have been missed. Default: null. */
  ongap: ((this: SseClient, event: SseEvent<SseGap>) => any) | null;
  /** Called when the stream belongs to another user than this page. Default: null. */
  onidentitychanged: ((this: SseClient, event: SseEvent<null>) => any) | null;

  /** As in EventSource; the listener receives an SseEvent. */
  addEventListener<Name extends SseListenedName>(
    name: Name,
    listener: SseEventListener<Name>,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** As in EventSource. */
  removeEventListener<Name extends SseListenedName>(
    name: Name,
    listener: SseEventListener<Name>,
    options?: boolean | EventListenerOptions,
  ): void;

  /**
   * Calls `listener(value, event)` for every event of this name: the saved value, and the SseEvent with
   * `time`, `lastEventId` and `data`. A function is registered once for each name; the last call of `on` or
   * `once` counts. The name `*` stands for all app events; `event.type` is the name of the event.
   * @returns A function that removes the listener.
   */
  on<Name extends SseListenedName | '*'>(name: Name, listener: SseListener<Name>): () => void;
  /** Like `on`, but only for the next event. */
  once<Name extends SseListenedName | '*'>(name: Name, listener: SseListener<Name>): () => void;
  /** Removes a listener that `on` or `once` registered. */
  off<Name extends SseListenedName | '*'>(name: Name, listener: SseListener<Name>): void;

  /**
   * Opens the stream again after `close()` or a final refusal. While the client waits for a retry, it tries at
   * once, even if the server has asked to wait. Otherwise it does nothing.
   */
  connect(): void;
  /** Closes the stream until `connect()` is called. */
  close(): void;
}

export default SseClient;

declare global {
  interface Window {
    /** The client that `sse-client.js` creates; defined once `sseReady` is fulfilled. */
    sse: SseClient;
    /** Fulfilled with the client when `sse-client.js` has created it. */
    sseReady: Promise<SseClient>;
  }
  /** Fulfilled with the client when `sse-client.js` has created it. */
  var sseReady: Promise<SseClient>;
}
