// All random decisions of a schedule come from one seed.

/** A random number generator whose seed repeats its numbers (mulberry32). */
export class Random {
  #state;
  constructor(seed) {
    this.#state = seed;
  }
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  between(low, high) {
    return low + this.next() * (high - low);
  }
  chance(probability) {
    return this.next() < probability;
  }
  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }
}
