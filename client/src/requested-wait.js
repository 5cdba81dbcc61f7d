// How long the server has asked to wait before the next request.

import { stored } from './storage.js';

/** Limits `Retry-After`, so that a wrong header does not silence a page for days. */
const MAX_WAIT_MS = 3_600_000;

/**
 * The wait that a `Retry-After` asks for. It applies to all tabs that share a connection, also to those that
 * open later, so it is in `localStorage`, under the name that they share.
 */
export class RequestedWait {
  /** When it ends: for a tab that shares nothing, or that the browser denies access to `localStorage`. */
  #endsAt = 0;

  constructor(share) {
    this.share = share;
  }

  /** The milliseconds that are left. */
  get left() {
    const common = this.share && stored('localStorage', this.share);
    const left = (common === undefined ? this.#endsAt : common) - Date.now();
    // More is left only if the clock was set back.
    return left > 0 && left <= MAX_WAIT_MS ? left : 0;
  }

  /** Begins with a response that has this header. Part of it is random: clients should not all return at once. */
  begin(retryAfter) {
    const requested = Number(retryAfter) * 1000 || Date.parse(retryAfter) - Date.now();
    if (requested > 0) {
      this.#set(Date.now() + Math.min(requested * (1 + Math.random() / 4), MAX_WAIT_MS));
    }
  }

  end() {
    this.#set('');
  }

  #set(endsAt) {
    this.#endsAt = endsAt;
    if (this.share) stored('localStorage', this.share, endsAt);
  }
}
