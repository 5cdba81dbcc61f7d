// A tab's subscription: over a connection of its own, or over one that the tabs share.

import { SILENCE_TIMEOUT_MS, silenceTimeout } from './heartbeat.js';
import { Position } from './position.js';
import { RequestedWait } from './requested-wait.js';
import { Stream } from './stream.js';
import { Tabs } from './tabs.js';

/** A tab that does not answer for this long counts as frozen. A busy page answers sooner. */
const ANSWER_TIMEOUT_MS = 5000;

/**
 * Receives each event once and in order, whichever tab holds the connection. The handlers are methods of the
 * client: `open()`, `error(failure)`, `gap(reason)`, `identityChanged()`, `eventNames(list)`, and
 * `dispatch(name, data, init)` for an event.
 */
export class Subscription {
  isLeading = false;
  /** Identifies this tab among the members of the connection; undefined while stopped. */
  #member;
  /** The newest leadership that this tab knows of; a higher number is newer. */
  #generation = 0;
  /** The session of the leader's connection that delivers to this tab. */
  #session;
  /** Whether no leader has served this tab since it started. */
  #isNew;
  /** The identity of the first connection that delivered to this tab. The tab belongs to this user for its life. */
  #identity;
  #position;
  #tabs;
  /** The connection, if this tab leads. */
  #stream;
  #requestedWait;
  #leaderTimer;
  #isOpen = false;
  /** Whether the server names its events, and so the identity, at the beginning of each connection. */
  #serverNamesEvents = false;
  /** Whether a connection was lost before the server had named an id to resume after. */
  #hasLostPosition = false;
  #silenceTimeout = SILENCE_TIMEOUT_MS;

  /**
   * `options`: `url`, `credentials`, `headers`, `events`, `latest`, `lastEventId`; `share`, a name common to all
   * tabs that share one connection; and `storageKey`, to store the last event id for the next page of this tab.
   */
  constructor(options, handlers) {
    const { lastEventId, storageKey, latest, ...others } = options;
    Object.assign(this, others, { latest, handlers });
    this.#position = new Position(lastEventId, storageKey, latest);
    this.#requestedWait = new RequestedWait(this.share);
  }

  get lastEventId() {
    return this.#position.lastEventId;
  }

  get isStarted() {
    return this.#member !== undefined;
  }

  /** With `isForced`, it connects at once, even if the server has asked to wait. */
  start(isForced) {
    if (isForced) this.#requestedWait.end();
    this.#member = Math.random().toString(36).slice(2);
    this.#isNew = true;
    if (!this.share) {
      this.#lead();
      return;
    }
    this.#tabs = new Tabs(this.share, {
      lead: () => this.#lead(),
      follow: () => this.#follow(),
      receive: (message) => this.#receivePosted(message),
    });
    this.#post({ join: this.#joinRequest(), isForced });
    this.#awaitLeader();
  }

  stop() {
    this.#interrupt();
    this.#post({ leave: this.#member });
    this.#tabs?.close();
    this.#stream?.close();
    clearTimeout(this.#leaderTimer);
    this.#generation = 0;
    this.#member = this.#session = this.#tabs = this.#stream = undefined;
    this.#position.store();
    this.#setLeading(false);
  }

  /** Checks the connection, or asks the leader to do so. With `isForced`, even if the server has asked to wait. */
  check(isForced) {
    if (isForced) this.#requestedWait.end();
    if (this.#stream) this.#stream.check(false);
    else if (this.#member) this.#askLeader({ check: false, isForced });
  }

  /**
   * Replaces the connection, even if it seems to work: the network may be another one. Every tab notices that,
   * so a follower checks only whether the leader is alive.
   */
  replaceConnection() {
    if (this.#stream) this.#stream.check(true);
    else if (this.#member) this.#awaitLeader(0);
  }

  // ---- Leading and following

  #lead() {
    clearTimeout(this.#leaderTimer);
    this.#stream?.close();
    // Newer than all leaderships that this tab knows of. The random fraction tells it from the next
    // generation of another tab that knows of the same.
    this.#generation = Math.floor(this.#generation) + 1 + Math.random();
    this.#post({ leader: true });
    // The request that follows is newer than this tab.
    this.#isNew = false;
    const { url, credentials, headers } = this;
    this.#stream = new Stream({ url, credentials, headers }, this.#requestedWait, (message) => {
      // The other tabs first, because a listener in this tab may take long.
      this.#post(message);
      this.#receive(message);
    });
    this.#stream.join(this.#joinRequest());
    this.#setLeading(true);
  }

  #stopLeading() {
    this.#stream?.close();
    this.#stream = undefined;
    this.#setLeading(false);
  }

  /** Another tab has taken the lead, because this one was silent for too long. */
  #follow() {
    this.#stopLeading();
    this.#rejoin();
  }

  #rejoin() {
    if (!this.#member) return;
    this.#noteLostPosition();
    this.#session = undefined;
    this.#post({ join: this.#joinRequest() });
    this.#awaitLeader();
  }

  #setLeading(isLeading) {
    if (this.isLeading === isLeading) return;
    this.isLeading = isLeading;
    this.handlers.dispatch('sse.leading', String(isLeading));
  }

  /** Asks the leader again if no session delivers to this tab for this long. */
  #awaitLeader(timeout = this.#silenceTimeout) {
    clearTimeout(this.#leaderTimer);
    // The random part keeps the tabs from asking all at once.
    const delay = timeout + Math.random() * ANSWER_TIMEOUT_MS;
    this.#leaderTimer = setTimeout(() => this.#askLeader({}), delay);
  }

  /** Asks the leader to serve this tab, and takes the lead if it does not answer. */
  #askLeader(message) {
    this.#post({ join: this.#joinRequest(), ...message });
    clearTimeout(this.#leaderTimer);
    this.#leaderTimer = setTimeout(() => this.#tabs.steal(), ANSWER_TIMEOUT_MS);
  }

  // ---- Messages between tabs

  #post(message) {
    this.#tabs?.post({ generation: this.#generation, ...message });
  }

  /**
   * A tab is new until a leader serves it. It may belong to another user than the leader's connection, which may
   * be older, and a new tab makes the leader connect again.
   */
  #joinRequest() {
    return {
      member: this.#member,
      id: this.lastEventId,
      events: this.events.join(),
      isNew: this.#isNew,
      serverNamesEvents: this.#serverNamesEvents,
      wantsLatest: this.latest,
      needsLatest: this.#position.needsLatest,
    };
  }

  /**
   * Handles a message from another tab. A tab that was busy for long posts late, and does not know who leads
   * now. So messages of an older generation do not count, and a leader steps down when it learns of a newer
   * one.
   */
  #receivePosted(message) {
    const known = this.#generation;
    const { generation } = message;
    if (generation > known) this.#acceptGeneration(generation);
    if (this.#stream) this.#serve(message);
    if (generation < known) this.#correct(message);
    else if (!this.#stream) this.#receiveFromLeader(message, known && generation > known);
  }

  #acceptGeneration(generation) {
    this.#generation = generation;
    this.#session = undefined;
    if (!this.#stream) return;
    this.#tabs.stepDown();
    this.#stopLeading();
  }

  #serve({ join, leave, check, isForced }) {
    if (isForced) this.#requestedWait.end();
    if (join) this.#stream.join(join);
    if (leave) this.#stream?.leave(leave);
    if (check !== undefined) this.#stream?.check(false);
  }

  /** A leader with an older generation holds the lock: any newer message makes it step down. */
  #correct({ leader }) {
    if (leader) this.#post({});
  }

  /**
   * Joins a new leader, which does not know this tab yet. A tab without any leader so far need not join
   * again: its first request reaches every present leader, and a later leader announces itself.
   */
  #receiveFromLeader(message, isReplaced) {
    if (message.leader || (isReplaced && !this.#isServedBy(message))) this.#rejoin();
    else this.#receive(message);
  }

  /**
   * Whether a session delivers to this tab. The sessions of one leader follow each other without a gap, but
   * the first has to start at this tab's last event id: the leader may have handled an older request of this
   * tab.
   */
  #isServedBy({ members }) {
    if (!members?.has(this.#member)) return false;
    return this.#session !== undefined || members.get(this.#member) === this.lastEventId;
  }

  // ---- Messages of the stream

  #receive(message) {
    const { session, members, gap, open, identity, eventNames, events, origin, error } = message;
    if (this.#isServedBy(message)) {
      this.#session = session;
      this.#isNew = false;
      if (gap === this.#member) this.handlers.gap('other-epoch');
    }
    if (session === undefined || session !== this.#session) return;
    if (!this.#isOwn(identity)) {
      this.handlers.identityChanged();
      return;
    }
    if (!this.#stream) this.#awaitLeader();
    // A message with `members` confirms a connection that was open before.
    if (open) this.#opened(!members);
    if (identity !== undefined) {
      if (eventNames !== undefined) this.#nameEvents(eventNames);
      if (events) this.#deliver(events, origin, session);
    }
    if (!error) return;
    this.#interrupt();
    this.handlers.error(error);
  }

  /** Whether this tab may receive what the connection with this identity carries; undefined if it carries nothing. */
  #isOwn(identity) {
    this.#identity ??= identity;
    return identity === undefined || identity === this.#identity;
  }

  #nameEvents(list) {
    this.#serverNamesEvents = true;
    this.handlers.eventNames(list);
  }

  #opened(isNew) {
    if (isNew) this.#noteLostPosition();
    this.#isOpen = true;
    this.handlers.open();
    // A listener may have closed the client.
    if (!this.#isOpen || !this.#hasLostPosition) return;
    this.#hasLostPosition = false;
    this.handlers.gap('connection-lost');
  }

  #interrupt() {
    this.#noteLostPosition();
    this.#isOpen = false;
  }

  /** Without an id from the server, the next connection cannot tell what this tab missed. */
  #noteLostPosition() {
    this.#hasLostPosition ||= this.#isOpen && this.lastEventId === '';
  }

  #deliver(events, origin, session) {
    for (const event of events) {
      // A listener may have closed the client.
      if (session !== this.#session) return;
      const { name, data, id } = event;
      const isNew = this.#position.advance(event);
      if (name === 'sse.heartbeat') this.#silenceTimeout = silenceTimeout(data);
      if (!isNew || data === undefined || !this.#isRequested(name)) continue;
      this.handlers.dispatch(name, data, { lastEventId: id ?? this.lastEventId, origin });
    }
    this.#position.store();
  }

  #isRequested(name) {
    return name.startsWith('sse.') || !this.events.length || this.events.includes(name);
  }
}
