// Leader election among the tabs of an origin, and the channel between them.

/**
 * Elects the tab that holds the connection, and carries messages between the tabs. The leader is the tab that
 * holds a lock. A lock has one holder at a time, even if an earlier holder has not yet noticed that it lost
 * it.
 */
export class Tabs {
  #channel;
  #isQueued = false;
  #isClosed = false;
  /** Releases the lock by which this tab leads. */
  #release;

  /**
   * Calls `handlers.lead` when this tab becomes the leader, `handlers.follow` when another tab has stolen the
   * lead, and `handlers.receive` with each message that another tab posts.
   */
  constructor(name, handlers) {
    Object.assign(this, { name, handlers });
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => handlers.receive(data);
    this.#queue();
  }

  post(message) {
    if (!this.#isClosed) this.#channel.postMessage(message);
  }

  /** Takes the lead from a tab that does not answer. */
  steal() {
    this.#request({ steal: true });
  }

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
    let heldRelease;
    const hold = () => {
      if (!options.steal) this.#isQueued = false;
      if (this.#isClosed) return undefined;
      return new Promise((release) => {
        this.#release = heldRelease = release;
        this.handlers.lead();
      });
    };
    navigator.locks.request(this.name, options, hold).catch(({ name }) => {
      if (this.#isClosed) return;
      if (name !== 'AbortError') {
        // The browser denies locks to this page, so it gets a connection of its own.
        this.close();
        this.handlers.lead();
        return;
      }
      // The lock was stolen. This tab may hold a newer lock already, or may have stepped down before.
      this.#queue();
      if (heldRelease !== this.#release) return;
      this.#release = undefined;
      this.handlers.follow();
    });
  }
}
