// Who of several tabs does the work.

/** Finds out which of the tabs of an origin holds the connection, and carries messages between them. */
export class Tabs {
  #channel;
  #isQueued = false;
  #isClosed = false;
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
    const hold = () => {
      if (!options.steal) this.#isQueued = false;
      if (this.#isClosed) return undefined;
      return new Promise((release) => {
        this.#release = release;
        this.told.lead();
      });
    };
    navigator.locks.request(this.name, options, hold).catch(({ name }) => {
      if (this.#isClosed) return;
      // Either the lock was stolen, or there are none for pages like this one, which then is alone.
      if (name !== 'AbortError') this.told.lead();
      else {
        this.#queue();
        this.told.follow();
      }
    });
  }
}
