// A simulated browser with several tabs, each with its own globals and its own main thread.
//
// A tab runs one task at a time. While its main thread is busy, timers, messages, locks and network data
// queue up. They run once the tab is responsive: in order within one source, in random order between sources,
// as in real browsers.
import { FakeStorage } from '../fakes.mjs';
import { LockManager } from './locks.mjs';

/** Lets all promises settle that wait for nothing but other promises. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

export class Browser {
  now = 1_700_000_000_000;
  tabs = new Set();
  #tabCount = 0;
  channels = new Set();
  locks = new LockManager();
  /** The users to whom the cookies have belonged, the current user last; empty if nobody is logged in. */
  users = [''];
  /** The `localStorage` of all tabs. */
  commonStorage = new FakeStorage();
  /** Future events, the earliest first. */
  #events = [];
  /** By queue name: the time of its newest event. */
  #queueTimes = new Map();

  constructor(random) {
    this.random = random;
  }

  get user() {
    return this.users.at(-1);
  }

  takeTabId() {
    this.#tabCount += 1;
    return this.#tabCount;
  }

  /** Calls `run` after `delay`. Events of the same queue keep their order. */
  schedule(delay, run, queue) {
    let at = this.now + delay;
    if (queue !== undefined) {
      at = Math.max(at, this.#queueTimes.get(queue) ?? 0);
      this.#queueTimes.set(queue, at);
    }
    const event = { at, run };
    let index = this.#events.length;
    while (index > 0 && this.#events[index - 1].at > at) index -= 1;
    this.#events.splice(index, 0, event);
    return event;
  }

  async run(duration) {
    const end = this.now + duration;
    await this.#runTasks();
    while (this.#events[0]?.at <= end) {
      const { at, run } = this.#events.shift();
      this.now = at;
      run();
      await this.#runTasks();
    }
    this.now = end;
  }

  async #runTasks() {
    for (;;) {
      const ready = [...this.tabs].filter((tab) => tab.isReady);
      if (ready.length === 0) return;
      this.random.pick(ready).runTask();
      await settle();
    }
  }
}
