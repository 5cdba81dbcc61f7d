// A page in a schedule.
import { keyOf } from './connection.mjs';
import { parseId } from './event-id.mjs';
import { shareName } from './server.mjs';

/** A page with a client. It checks every event that it receives. */
export class Page {
  /** The newest event received, or the event after which the page resumes. */
  #last;
  /** The newest event when the stream opened: a new page must receive all events after it. */
  #newestAtOpen;
  #isAfterGap = false;
  /** By key: the newest event received. */
  #newestByKey = new Map();
  #received = new Set();
  #hasLatestValues = false;
  #isOutdated = false;
  /** The user whose connection was the first to deliver to this page. */
  #user;
  /** The position of the user in the browser's list when the page was loaded. */
  #loadedAs;

  constructor(schedule, tab, options) {
    Object.assign(this, { schedule, tab, options });
    const { events, to, latest, lastEventId } = options;
    this.#loadedAs = schedule.browser.users.length - 1;
    if (lastEventId) this.#last = parseId(lastEventId);
    tab.task('page', () => {
      const sse = new tab.client.SseClient('/sse/stream', { events, to, latest });
      this.sse = sse;
      sse.on('*', (value, event) => this.#receive(value, event.lastEventId));
      sse.on('sse.gap', ({ reason }) => this.#gap(reason));
      sse.on('sse.events', (names) => this.#checkUser(names.at(-1).replace('user', ''), 'the names'));
      sse.on('sse.identity-changed', () => this.#identityChanged());
      sse.on('sse.status', (status) => {
        this.schedule.note(`tab ${tab.id} is ${status}`);
        if (status !== 'closed') this.#isOutdated = false;
        if (status === 'open') this.#newestAtOpen ??= this.#newest;
      });
      sse.on('sse.leading', (leading) =>
        this.schedule.note(`tab ${tab.id} ${leading ? 'leads' : 'follows'}`),
      );
    });
  }

  get #newest() {
    const { journals } = this.schedule.server;
    return { epoch: journals.length - 1, number: journals.at(-1).length };
  }

  /** The number of the next event for this page in the same journal. */
  #next({ epoch, number }) {
    const journal = this.schedule.server.journals[epoch];
    return journal.slice(number).find((event) => this.#isFor(event))?.number;
  }

  #isFor(event) {
    const { events, to } = this.options;
    return (!events || events.includes(event.name)) && ['', this.#user, to].includes(event.to);
  }

  get shareName() {
    return shareName(this.options.to);
  }

  /** Whether the page has closed its client, because the connection belongs to another user. */
  get hasLeft() {
    return this.#isOutdated && this.sse.status === 'closed';
  }

  /** The users to whom the cookies have belonged since the page was loaded. */
  get #possibleUsers() {
    return this.schedule.browser.users.slice(this.#loadedAs);
  }

  /** What a connection of this user delivers. */
  #checkUser(user, what) {
    if (this.#user === undefined && !this.#possibleUsers.includes(user))
      this.schedule.fail(this, `receives ${what} of the earlier user ${user}`);
    this.#user ??= user;
    if (user !== this.#user)
      this.schedule.fail(this, `of user ${this.#user} receives ${what} of user ${user}`);
  }

  #identityChanged() {
    this.schedule.note(`tab ${this.tab.id} of user ${this.#user} leaves`);
    this.#isOutdated = true;
    if (!this.hasLeft) this.schedule.fail(this, 'leaves, but is not closed');
    if (this.#possibleUsers.every((user) => user === this.#user))
      this.schedule.fail(this, 'leaves, but the user is the same');
  }

  /** The page must not stay on a connection of another user. */
  checkConnection({ tab, user }) {
    if (this.hasLeft || this.#user === user) return;
    this.schedule.fail(
      this,
      `of user ${this.#user} stays on the connection of user ${user} in tab ${tab.id}`,
    );
  }

  #receive(event, id) {
    const { epoch, number, user } = event;
    this.#checkUser(user, 'an event');
    this.#checkKey(event);
    // A latest value moves no position. It may have the id of the position.
    const isLatest =
      id !== this.sse.lastEventId || (this.#last?.epoch === epoch && this.#last.number === number);
    if (isLatest && (this.options.latest || id !== this.sse.lastEventId)) {
      if (!this.options.latest) this.schedule.fail(this, `receives ${epoch}-${number} as a latest value`);
      return;
    }
    this.#checkLatestValues(event);
    const last = this.#last;
    const text = `receives ${epoch}-${number}`;
    if (last && (epoch < last.epoch || (epoch === last.epoch && number <= last.number))) {
      this.schedule.fail(this, `${text} repeated or out of order, after ${last.epoch}-${last.number}`);
    } else if (!this.#isAfterGap) {
      const isNext = !last || (epoch === last.epoch && number === this.#next(last));
      // A new page may also receive events that were saved shortly before.
      const hasMissed =
        !last && this.#newestAtOpen?.epoch === epoch && number > this.#next(this.#newestAtOpen);
      if (!isNext || hasMissed)
        this.schedule.fail(
          this,
          `${text} but missed an event after ${JSON.stringify(last ?? this.#newestAtOpen)}`,
        );
    }
    this.#last = event;
    this.#isAfterGap = false;
    // A stall may begin in a listener.
    this.tab.effect('page', () => {});
  }

  /** The events of a key arrive in their order, each once, also as latest values. */
  #checkKey({ epoch, number, key }) {
    const newest = this.#newestByKey.get(key);
    if (newest?.epoch === epoch && newest.number >= number)
      this.schedule.fail(this, `receives ${epoch}-${number} after ${newest.number} of the same key`);
    this.#newestByKey.set(key, { epoch, number });
    this.#received.add(`${epoch}-${number}`);
  }

  /** Before its first other event, a new page has received the newest event of each key, perhaps as this event. */
  #checkLatestValues({ epoch, number, key: own }) {
    if (!this.options.latest || this.#hasLatestValues) return;
    this.#hasLatestValues = true;
    if (this.#isAfterGap) return;
    const earlier = this.schedule.server.journals[epoch]
      .slice(0, number - 1)
      .filter((event) => this.#isFor(event));
    const newest = new Map(earlier.map((event) => [keyOf(event), event.number]));
    for (const [key, each] of newest)
      if (key !== own && !this.#received.has(`${epoch}-${each}`))
        this.schedule.fail(this, `receives ${number} without the latest value ${each} of ${key}`);
  }

  #gap(reason) {
    this.schedule.note(`tab ${this.tab.id} gets a gap: ${reason}`);
    this.#isAfterGap = true;
    const isPossible =
      reason === 'other-epoch'
        ? this.schedule.server.journals.length > 1
        : reason === 'connection-lost' && this.sse.lastEventId === '';
    if (!isPossible) this.schedule.fail(this, `gets a gap without reason: ${reason}`);
  }

  /** The page must have received all saved events. */
  checkServed() {
    if (this.hasLeft) return;
    const { status } = this.sse;
    const newest = this.#newest;
    if (status !== 'open') this.schedule.fail(this, `is ${status} while the leader has a connection`);
    else if (this.#last?.epoch !== newest.epoch || this.#next(this.#last) !== undefined) {
      this.schedule.fail(this, `has received nothing after ${JSON.stringify(this.#last)}`);
    }
  }
}
