// A page in a schedule.
import { parseId } from './event-id.mjs';

/** A page with a client. It checks every event that it receives. */
export class Page {
  /** The newest event received, or the event after which the page resumes. */
  #last;
  /** The newest event when the stream opened: a new page must receive all events after it. */
  #newestAtOpen;
  #isAfterGap = false;

  constructor(schedule, tab, options) {
    Object.assign(this, { schedule, tab, options });
    const { events, lastEventId } = options;
    if (lastEventId) this.#last = parseId(lastEventId);
    tab.task('page', () => {
      const sse = new tab.client.SseClient('/sse/stream', { events });
      this.sse = sse;
      sse.on('*', (value) => this.#receive(value));
      sse.on('sse.gap', ({ reason }) => this.#gap(reason));
      sse.on('sse.status', (status) => {
        this.schedule.note(`tab ${tab.id} is ${status}`);
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
    return journal
      .slice(number)
      .find(({ name }) => !this.options.events || this.options.events.includes(name))?.number;
  }

  #receive(event) {
    const { epoch, number } = event;
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
    const { status } = this.sse;
    const newest = this.#newest;
    if (status !== 'open') this.schedule.fail(this, `is ${status} while the leader has a connection`);
    else if (this.#last?.epoch !== newest.epoch || this.#next(this.#last) !== undefined) {
      this.schedule.fail(this, `has received nothing after ${JSON.stringify(this.#last)}`);
    }
  }
}
