// The latest values, with which a connection begins if its request asks for them.

import { compareEventIds } from './event-id.js';

/**
 * Tells the latest values of one connection from the events that follow. A latest value has the id of its own save,
 * which lies before the start of the stream. A client that resumed after that id would receive older events again.
 */
export class LatestValues {
  /** The position at which the stream starts; undefined before the first heartbeat, which names it. */
  #start;

  /** `position` is the start of the stream if the first heartbeat has no id; empty if it is unknown. */
  constructor(position) {
    this.position = position;
  }

  /** Whether a gap that arrives now precedes the latest values. */
  get isBeginning() {
    return this.#start === undefined;
  }

  /** Sets `latest` of an event: true for a latest value, false if they are over, otherwise undefined. */
  mark(event) {
    const { name, id } = event;
    if (name === 'sse.heartbeat') {
      if (this.#start === undefined) this.#start = id ?? this.position;
      else if (id !== undefined) event.latest = false;
    } else if (id !== undefined && !name.startsWith('sse.')) {
      event.latest = this.#start === undefined || compareEventIds(id, this.#start) <= 0;
    }
  }
}
