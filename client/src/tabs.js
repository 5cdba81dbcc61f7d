// Who of several tabs does the work.

/**
 * Finds out which of the tabs of an origin holds the connection, and carries messages between them. The
 * lock decides: it has one holder at a time, also while an earlier holder has not noticed that it lost it.
 */
export class Tabs {
  #channel;
  #isQueued = false;
  #isClosed = false;
  /** Ends the hold of the lock that this tab leads by. */
  #release;

  /** Of `told`, `lead` and `follow` are called when that changes, `hear` with what another tab posts. */
  constructor(name, told) {
    Object.assign(this, { name, told });
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => told.hear(data);
    this.#queue();
  }

  post(message) { if (!this.#isClosed) this.#channel.postMessage(message); }

  /** Takes the lead from a tab that does not answer. */
  steal() { this.#request({ steal: true }); }

  /** Gives up the lead, and queues for it again. */
  stepDown() {
    this.#release?.();
    this.#release = undefined;
    this.#queue();
  }

  close() {
    this.#isClosed = true;
    this.#channel.close();
    this.#release?.();
  }

  #queue() {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#request({});
  }

  #request(options) {
    let held;
    const hold = () => {
      if (!options.steal) this.#isQueued = false;
      if (this.#isClosed) return undefined;
      return new Promise((release) => {
        this.#release = held = release;
        this.told.lead();
      });
    };
    navigator.locks.request(this.name, options, hold).catch(({ name }) => {
      if (this.#isClosed) return;
      if (name !== 'AbortError') {
        // Pages like this one get no locks, so this tab is alone.
        this.close();
        this.told.lead();
        return;
      }
      // The lock was stolen. The tab may lead by a newer hold, or have stepped down before.
      this.#queue();
      if (held !== this.#release) return;
      this.#release = undefined;
      this.told.follow();
    });
  }
}
