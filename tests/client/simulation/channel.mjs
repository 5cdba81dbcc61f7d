// The BroadcastChannel of the simulated browser.

export class Channel {
  static #count = 0;
  onmessage = null;
  #isOpen = true;
  #tab;

  constructor(tab, name) {
    Channel.#count += 1;
    this.id = Channel.#count;
    this.#tab = tab;
    this.name = name;
    tab.effect('channel', () => tab.browser.channels.add(this));
  }

  postMessage(message) {
    if (!this.#isOpen) throw new DOMException('the channel is closed', 'InvalidStateError');
    const data = structuredClone(message);
    const { browser } = this.#tab;
    this.#tab.effect('channel', () => {
      for (const other of browser.channels) {
        if (other === this || other.name !== this.name) continue;
        browser.schedule(browser.random.between(0, 3), () => other.#receive(data), `${this.id}>${other.id}`);
      }
    });
  }

  #receive(data) {
    this.#tab.task('channel', () => {
      if (this.#isOpen) this.onmessage?.({ data });
    });
  }

  close() {
    this.#isOpen = false;
    this.#tab.effect('channel', () => this.#tab.browser.channels.delete(this));
  }

  belongsTo(tab) {
    return this.#tab === tab;
  }
}
