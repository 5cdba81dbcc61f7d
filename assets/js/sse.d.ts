// This file belongs to actix-web-sse: `sse install` refreshes it. Types of your own go into a file of yours.

// It names the events of SSE_EVENTS, and adds them to SseRegister. Without it every name is accepted.
// @ts-ignore
import type {} from './sse-events.js';

/**
 * The types of your events' values, by the event's name; the value of an event that is not in here is
 * `any`. Add yours in any module of the app, with the path from there:
 *
 *     declare module './js/sse.js' {
 *       interface SseEvents {
 *         order: { order: number };
 *       }
 *     }
 */
export interface SseEvents {}

/** What `sse-events.d.ts` registers here: `names`, the events in SSE_EVENTS. */
export interface SseRegister {}

/** The name of an event of the app: one of SSE_EVENTS, or any where `sse-events.d.ts` is missing. */
export type SseName = SseRegister extends { names: infer Names extends string }
  ? Names
  : (string & {}) | Extract<keyof SseEvents, string>;

/** The client's own events, with what their listeners receive. No event of the app has such a name. */
export interface SseOwnEvents {
  /** A connection was opened. */
  open: Event;
  /** The connection was lost, or refused. */
  error: SseErrorEvent;
  /** The status is another one now. */
  'sse.status': SseEvent<SseStatus>;
  /** Events may have been missed: load afresh what must be complete. */
  'sse.gap': SseEvent<SseGap>;
  /** A sign of life of the server. Its value is the time in seconds until the next one. */
  'sse.heartbeat': SseEvent<number>;
  /** Whether this tab holds the connection is another answer now. */
  'sse.leading': SseEvent<boolean>;
}

/**
 * A name that can be listened to: of an event of the app, of an event of the client, or `message` for
 * events that the server sends without a name.
 */
export type SseListenedName = SseName | keyof SseOwnEvents | 'message';

/** What `on` gives to a listener of this name as value. */
export type SseValue<Name extends string> = Name extends keyof SseOwnEvents
  ? SseOwnEvents[Name] extends SseEvent<infer Value>
    ? Value
    : undefined
  : Name extends keyof SseEvents
    ? SseEvents[Name]
    : any;

/** The event that a listener of this name receives. */
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
 * How the client is connected. `idle`: no connection was tried yet. `connecting`: the first try. `open`:
 * events arrive. `reconnecting`: the connection is lost or was refused, and is tried again. `closed`:
 * `close()` was called, or the server's refusal was final. `unsupported`: this environment can read no
 * streams; listeners may be added and stay silent.
 */
export type SseStatus = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed' | 'unsupported';

/** Why events may have been missed. */
export interface SseGap {
  /**
   * `unknown-id`: the server cannot read the id to go on after. `other-epoch`: the id is of another
   * journal, because the cache folder was emptied or replaced. `expired`: the events have outlived their
   * time to live. `swept`: so many came since that the server has dropped them. `unreadable`: the server
   * cannot read them back. `connection-lost`: the connection was lost before the server had named a place
   * to return to.
   */
  readonly reason: 'unknown-id' | 'other-epoch' | 'expired' | 'swept' | 'unreadable' | 'connection-lost';
}

/** What a listener to `error` receives. */
export interface SseErrorEvent extends Event {
  /** The HTTP status of the server's refusal; undefined where the connection was lost, or never made. */
  readonly status: number | undefined;
  /** The beginning of the text that came with the refusal. */
  readonly body: string | undefined;
  /** Whether no further try is made, until `connect()` is called. */
  readonly final: boolean;
}

/** What a listener receives: a MessageEvent (`data`, `lastEventId`, `origin`) that can read its own data. */
export class SseEvent<Value = any> extends MessageEvent<string> {
  constructor(type: string, eventInitDict?: MessageEventInit<string>);
  /** The saved value; of data that holds none, the JSON itself, and of data that is no JSON, the text. */
  readonly value: Value;
  /** When the value was saved, in the server's words (RFC 3339, UTC); undefined where no value was saved. */
  readonly time: string | undefined;
}

export interface SseClientOptions {
  /** Whether cookies are sent to another origin, too. Default: false. */
  withCredentials?: boolean | undefined;
  /** The events to ask the server for. Default: all. */
  events?: readonly SseName[] | undefined;
  /** The id of the event to go on after. Default: the place that `resume` has kept, if it has. */
  lastEventId?: string | undefined;
  /**
   * Whether this tab keeps its place in the stream, in `sessionStorage`, so that the next page goes on
   * there. Default: true.
   */
  resume?: boolean | undefined;
  /**
   * Whether all tabs of this origin share one connection. A string says who listens, such as a user's id:
   * only tabs with the same string share. Default: true.
   */
  share?: boolean | string | undefined;
}

/**
 * A stream of events, used like an EventSource, that does not give up.
 *
 *     const sse = new SseClient();
 *     sse.addEventListener('event_name1', (event) => JSON.parse(event.data).timestamp);
 *     sse.on('event_name1', (value, event) => console.log(value, event.time, event.lastEventId));
 *
 * Add listeners in the same turn that makes the client: what was saved while the page loaded arrives with
 * the first bytes.
 */
export class SseClient extends EventTarget {
  /**
   * Opens the stream at once.
   * @param url The stream's address, relative to the page. Default: `/sse/stream`.
   */
  constructor(url?: string | URL, options?: SseClientOptions);

  /** The `readyState` of a client that is being connected: 0. */
  static readonly CONNECTING: 0;
  /** The `readyState` of a client that events reach: 1. */
  static readonly OPEN: 1;
  /** The `readyState` of a client that was closed or refused for good: 2. */
  static readonly CLOSED: 2;
  /** The `readyState` of a client that is being connected: 0. */
  readonly CONNECTING: 0;
  /** The `readyState` of a client that events reach: 1. */
  readonly OPEN: 1;
  /** The `readyState` of a client that was closed or refused for good: 2. */
  readonly CLOSED: 2;

  /** The stream's address, with the events asked for and without the place in the stream. */
  readonly url: string;
  /** Whether cookies are sent to another origin, too. */
  readonly withCredentials: boolean;
  /** As in EventSource: `CONNECTING`, `OPEN` or `CLOSED`. `status` says more. */
  readonly readyState: 0 | 1 | 2;
  /** The id of the last event heard, heartbeats included; empty before the first. */
  readonly lastEventId: string;
  /** How the client is connected. */
  readonly status: SseStatus;
  /** Whether this tab holds the connection; where none is shared, every tab does while it is connected. */
  readonly leading: boolean;

  /** Called when a connection was opened. Default: null. */
  onopen: ((this: SseClient, event: Event) => any) | null;
  /** Called for each event without a name, or with the name `message`. Default: null. */
  onmessage: ((this: SseClient, event: SseEventOf<'message'>) => any) | null;
  /** Called when the connection was lost, or refused. Default: null. */
  onerror: ((this: SseClient, event: SseErrorEvent) => any) | null;
  /** Called when the status has changed. Default: null. */
  onstatus: ((this: SseClient, event: SseEvent<SseStatus>) => any) | null;
  /** Called when events may have been missed. Default: null. */
  ongap: ((this: SseClient, event: SseEvent<SseGap>) => any) | null;

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
   * `time`, `lastEventId` and `data`. The same function is registered once for a name; the last call of
   * `on` or `once` counts. The name `*` stands for every event of the app; `event.type` says which one came.
   * @returns A function that takes the listener away again.
   */
  on<Name extends SseListenedName | '*'>(name: Name, listener: SseListener<Name>): () => void;
  /** Like `on`, for the next event alone. */
  once<Name extends SseListenedName | '*'>(name: Name, listener: SseListener<Name>): () => void;
  /** Takes away what `on` or `once` registered. */
  off<Name extends SseListenedName | '*'>(name: Name, listener: SseListener<Name>): void;

  /** Opens the stream again after `close()`, or after a refusal that was final; else it does nothing. */
  connect(): void;
  /** Closes the stream until `connect()` is called. */
  close(): void;
}

export default SseClient;

declare global {
  interface Window {
    /** The client that `sse-client.js` makes; there once `sseReady` is fulfilled. */
    sse: SseClient;
    /** Fulfilled with the client when `sse-client.js` has made it. */
    sseReady: Promise<SseClient>;
  }
  /** Fulfilled with the client when `sse-client.js` has made it. */
  var sseReady: Promise<SseClient>;
}
