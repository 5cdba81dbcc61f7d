// The locks of the simulated browser.

/** The error of a stolen lock or an aborted request. Created once, because its stack trace is expensive. */
export const ABORT_ERROR = new DOMException('aborted', 'AbortError');

/** Web Locks as the standard defines them: one holder for each name, a queue, and `steal`. */
export class LockManager {
  #held = new Map();
  #queue = [];

  add(request) {
    if (request.steal) {
      const holder = this.#held.get(request.name);
      holder?.tab.task('locks', () => holder.reject(ABORT_ERROR));
      this.#held.delete(request.name);
      this.#queue.unshift(request);
    } else this.#queue.push(request);
    this.#grant();
  }

  release(request) {
    if (this.#held.get(request.name) === request) this.#held.delete(request.name);
    this.#grant();
  }

  removeTab(tab) {
    this.#queue = this.#queue.filter((request) => request.tab !== tab);
    for (const [name, holder] of this.#held) if (holder.tab === tab) this.#held.delete(name);
    this.#grant();
  }

  /** The tab that holds the lock. */
  holder(name) {
    return this.#held.get(name)?.tab;
  }

  #grant() {
    for (const request of this.#queue.filter(({ name }) => !this.#held.has(name))) {
      if (this.#held.has(request.name)) continue;
      this.#queue.splice(this.#queue.indexOf(request), 1);
      this.#held.set(request.name, request);
      request.tab.task('locks', request.run);
    }
  }
}
