// Where a tab is in the stream.

import { compareEventIds } from './event-id.js';
import { stored } from './storage.js';

/** Knows which events are new to a tab, and stores the last event id for the next page of the tab. */
export class Position {
  /** The newest latest value that the tab has received, or `''`; undefined if the tab needs none. */
  #latestId;
  /** Where the events begin of which the tab has received all; undefined before the first of them. */
  #eventsStart;

  /** With `wantsLatest`, the tab needs the latest values at its beginning and after each gap. */
  constructor(lastEventId, storageKey, wantsLatest) {
    Object.assign(this, { storageKey, wantsLatest });
    const storedId = storageKey && stored('sessionStorage', storageKey);
    this.lastEventId = String(lastEventId || storedId || '');
    if (wantsLatest) this.#latestId = '';
  }

  get needsLatest() {
    return this.#latestId !== undefined;
  }

  /** Moves the last event id forward. Returns whether the event is new to the tab. */
  advance({ name, data, id, latest }) {
    if (latest) return this.#acceptLatest(id);
    // Another member of the connection may have started further back. If the server does not know the
    // requested id, the new one counts.
    const order = compareEventIds(id, this.lastEventId);
    const isOld = order <= 0 && !(name === 'sse.gap' && data?.includes('unknown-id'));
    const isOwn = name.startsWith('sse.');
    // A connection may start before the latest values of an earlier one.
    const latestOrder = this.needsLatest ? compareEventIds(id, this.#latestId) : NaN;
    // The latest values are those before the start of the stream. The newest value of a key may be between
    // this start and the position of this tab.
    const isMissed = isOld && !isOwn && this.#acceptLatest(id);
    if (latest === false && !(order < 0 || latestOrder < 0)) this.#latestId = undefined;
    if (isOld) return isMissed || name === 'sse.heartbeat';
    if (name === 'sse.gap') this.#noteGap();
    else if (!isOwn) this.#eventsStart ??= this.lastEventId;
    if (id !== undefined) this.lastEventId = id;
    return isOwn || !(latestOrder <= 0);
  }

  #noteGap() {
    if (!this.wantsLatest) return;
    if (!this.needsLatest || this.#eventsStart !== undefined) this.#latestId = this.lastEventId;
    this.#eventsStart = undefined;
  }

  /** Their ids ascend, so a value that arrives again is recognised by its id. */
  #acceptLatest(id) {
    if (!this.needsLatest || compareEventIds(id, this.#latestId) <= 0) return false;
    if (compareEventIds(id, this.#eventsStart) > 0) return false;
    this.#latestId = id;
    return true;
  }

  store() {
    if (this.storageKey && this.lastEventId) stored('sessionStorage', this.storageKey, this.lastEventId);
  }
}
