// The connection to the server: the stream of the states, and the snapshot, which has everything else.

import { sentence } from './format.js';
import { SseClient } from './sse.js';

/** The server publishes about once a second, so it is stuck or unreachable if nothing arrives for this long. */
const SILENCE_MS = 5000;

/** How often the page tries again while it has no stream. The client itself takes some answers as final. */
const RETRY_MS = 10_000;

/** An error page of a proxy is not shown whole. */
const MAX_TEXT_LENGTH = 500;

const LOGIN = 'Your session is over: load the page again.';

/** What the answer to a request means, if it is not the one that was asked for. */
function explain(status, body) {
  if (status === 401 || status === 403) return LOGIN;
  if (status < 400) return 'The server answers with another page, perhaps a login: load the page again.';
  const isHtml = body.trimStart().startsWith('<');
  const lines = isHtml ? [] : body.slice(0, MAX_TEXT_LENGTH).split('\n');
  const texts = lines.map((line) => sentence(line.replace(/^(error|help): /, '')));
  return [`The server answers with status ${status}.`, ...texts].filter(Boolean).join(' ');
}

export class Connection {
  #sse = new SseClient('./stream', { resume: false });
  #handlers;
  #startedAt = performance.now();
  /** When the stream last opened or brought a state. */
  #heardAt = 0;
  /** The server's reason for refusing the stream, and that for refusing the snapshot. */
  #streamFailure;
  #snapshotFailure;
  #isLoading = false;
  #needsSnapshot = true;

  /** The handlers: `state` and `snapshot` receive what has arrived, and `change` shows the connection. */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#sse.on('state', (state) => {
      this.#heardAt = performance.now();
      handlers.state(state);
      if (this.#needsSnapshot) this.loadSnapshot();
      handlers.change();
    });
    this.#sse.addEventListener('open', () => {
      this.#heardAt = performance.now();
      this.#streamFailure = undefined;
      this.loadSnapshot();
    });
    this.#sse.addEventListener('error', ({ status, body }) => {
      this.#streamFailure = status === undefined ? undefined : explain(status, body ?? '');
      handlers.change();
    });
    this.#sse.onstatus = () => handlers.change();
    setInterval(() => handlers.change(), 1000);
    setInterval(() => this.#retry(), RETRY_MS);
    // The stream may be refused. The snapshot then shows at least what there is now.
    this.loadSnapshot();
  }

  /** `connecting`, `live` or `lost`. */
  get status() {
    const now = performance.now();
    if (this.#sse.status === 'open' && now - this.#heardAt < SILENCE_MS) return 'live';
    const isFirst = this.#heardAt === 0 && now - this.#startedAt < SILENCE_MS;
    return isFirst && !this.failure ? 'connecting' : 'lost';
  }

  get failure() {
    return this.#streamFailure ?? this.#snapshotFailure;
  }

  /** If it fails, the next state or the next retry loads it. */
  async loadSnapshot() {
    this.#needsSnapshot = true;
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      const response = await fetch('./snapshot', { redirect: 'manual' });
      this.#snapshotFailure = await this.#received(response);
    } catch {
      // The page says that it has no connection.
      this.#snapshotFailure = undefined;
    }
    this.#isLoading = false;
    this.#handlers.change();
  }

  /** Returns why it is not a snapshot. */
  async #received(response) {
    if (response.type === 'opaqueredirect') return LOGIN;
    const isJson = response.headers.get('Content-Type')?.startsWith('application/json');
    if (!response.ok || !isJson) return explain(response.status, await response.text());
    this.#handlers.snapshot(await response.json());
    this.#needsSnapshot = false;
  }

  #retry() {
    if (this.#sse.status === 'open') return;
    if (this.#sse.status === 'closed') this.#sse.connect();
    this.loadSnapshot();
  }
}
