// The client on a pretended EventSource and a pretended clock: `node --test tests/client/*.test.mjs`.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { pathToFileURL } from 'node:url';

// Imported from a copy named .mjs: where sse.js lies, no package.json tells Node that it is a module.
const folder = mkdtempSync(join(tmpdir(), 'sse-client-'));
const copy = join(folder, 'sse.mjs');
copyFileSync(new URL('../../assets/js/sse.js', import.meta.url), copy);
const { SseClient, SseEvent, default: SseDefault } = await import(pathToFileURL(copy).href);
rmSync(folder, { recursive: true });

/** Native EventSource as the standard has it, moved by hand. */
class FakeSource extends EventTarget {
  static all = [];
  static get last() { return FakeSource.all.at(-1); }
  readyState = 0;
  constructor(url, options) {
    super();
    this.url = String(url);
    this.options = options;
    FakeSource.all.push(this);
  }
  opens() {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }
  /** The connection ended; the browser returns by itself. */
  ends() {
    this.readyState = 0;
    this.dispatchEvent(new Event('error'));
  }
  /** The answer was no stream; the browser gives up. */
  refused() {
    this.readyState = 2;
    this.dispatchEvent(new Event('error'));
  }
  sends(name, lastEventId, data) {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    this.dispatchEvent(new MessageEvent(name, { data: text, lastEventId, origin: 'http://page.test' }));
  }
  close() { this.readyState = 2; }
}

const envelope = (value) => ({ timestamp: '2026-11-23T15:51:00.123Z', value });
const query = (source) => new URL(source.url).searchParams;

/** Every status the client passes through from now on. */
function statuses(sse) {
  const seen = [];
  sse.on('sse.status', (status) => seen.push(status));
  return seen;
}

/** Time that passes when it is told to. Node's own differs between its versions. */
class Clock {
  #now = 0;
  #next = 1;
  #timers = new Map();
  #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  constructor() {
    globalThis.setTimeout = (callback, delay = 0) => {
      this.#timers.set(this.#next, { callback, at: this.#now + delay });
      return this.#next++;
    };
    globalThis.clearTimeout = (timer) => this.#timers.delete(timer);
  }
  tick(time) {
    const end = this.#now + time;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      if (due.length === 0) break;
      const [timer, { callback, at }] = due.reduce((first, other) => (other[1].at < first[1].at ? other : first));
      this.#timers.delete(timer);
      this.#now = at;
      callback();
    }
    this.#now = end;
  }
  restore() { Object.assign(globalThis, this.#real); }
}

let chance;
let clock;
beforeEach(() => {
  FakeSource.all = [];
  globalThis.EventSource = FakeSource;
  globalThis.location = new URL('http://page.test/deep/page.html');
  clock = new Clock();
  chance = mock.method(Math, 'random', () => 1);
});
afterEach(() => {
  clock.restore();
  mock.restoreAll();
  delete globalThis.EventSource;
  delete globalThis.location;
});

describe("EventSource's own shape", () => {
  test('url, credentials, constants, ready states', () => {
    const sse = new SseClient();
    assert.equal(SseDefault, SseClient);
    assert.equal(sse.url, 'http://page.test/sse/stream');
    assert.equal(sse.withCredentials, false);
    assert.deepEqual([SseClient.CONNECTING, SseClient.OPEN, SseClient.CLOSED], [0, 1, 2]);
    assert.deepEqual([sse.CONNECTING, sse.OPEN, sse.CLOSED], [0, 1, 2]);
    assert.equal(sse.readyState, sse.CONNECTING);
    FakeSource.last.opens();
    assert.equal(sse.readyState, sse.OPEN);
    sse.close();
    assert.equal(sse.readyState, sse.CLOSED);
  });

  test('options reach the stream', () => {
    const sse = new SseClient('/api/stream?tenant=7', {
      withCredentials: true,
      events: ['event_name1', 'event_name2'],
      lastEventId: '00ff-41',
    });
    const source = FakeSource.last;
    assert.equal(source.options.withCredentials, true);
    assert.equal(query(source).get('tenant'), '7');
    assert.equal(query(source).get('events'), 'event_name1,event_name2');
    assert.equal(query(source).get('last_event_id'), '00ff-41');
    assert.equal(new URL(sse.url).searchParams.has('last_event_id'), false);
    assert.equal(sse.lastEventId, '00ff-41');
  });

  test("the original's listener works as it is", () => {
    const source = new SseClient('/sse/stream');
    const seen = [];
    source.addEventListener('event_name1', (e) => seen.push([JSON.parse(e.data).timestamp, e.lastEventId, e.origin, e.type]));
    FakeSource.last.sends('event_name1', '00ff-1', envelope(1));
    assert.deepEqual(seen, [['2026-11-23T15:51:00.123Z', '00ff-1', 'http://page.test', 'event_name1']]);
  });

  test('listeners: objects, once, signal, and removing', () => {
    const sse = new SseClient();
    const seen = [];
    const kept = () => seen.push('kept');
    const stop = new AbortController();
    sse.addEventListener('a', { handleEvent: () => seen.push('object') });
    sse.addEventListener('a', () => seen.push('once'), { once: true });
    sse.addEventListener('a', () => seen.push('signal'), { signal: stop.signal });
    sse.addEventListener('a', kept);
    FakeSource.last.sends('a', '1', '1');
    stop.abort();
    sse.removeEventListener('a', kept);
    FakeSource.last.sends('a', '2', '2');
    assert.deepEqual(seen, ['object', 'once', 'signal', 'kept', 'object']);
  });

  test('onopen, onmessage, onerror', () => {
    const sse = new SseClient();
    const seen = [];
    sse.onopen = function () { seen.push(['open', this === sse]); };
    sse.onmessage = (event) => seen.push(['message', event.data]);
    sse.onerror = (event) => seen.push(['error', event.type]);
    FakeSource.last.opens();
    FakeSource.last.sends('message', '1', 'text');
    FakeSource.last.ends();
    sse.onmessage = null;
    FakeSource.last.sends('message', '2', 'unheard');
    assert.deepEqual(seen, [['open', true], ['message', 'text'], ['error', 'error']]);
  });

  test('a name is listened to once on the native source, however many listen here', () => {
    const sse = new SseClient();
    const seen = [];
    sse.addEventListener('a', () => seen.push(1));
    sse.addEventListener('a', () => seen.push(2));
    sse.on('a', () => seen.push(3));
    FakeSource.last.sends('a', '1', '1');
    assert.deepEqual(seen, [1, 2, 3]);
  });

  test('an event of the app may be called status or gap', () => {
    const sse = new SseClient();
    const seen = [];
    sse.on('status', (value) => seen.push(value));
    sse.on('gap', (value) => seen.push(value));
    FakeSource.last.opens();
    FakeSource.last.sends('sse.gap', '1', { reason: 'swept' });
    assert.deepEqual(seen, []);
    FakeSource.last.sends('status', '2', envelope('shipped'));
    FakeSource.last.sends('gap', '3', envelope('minded'));
    assert.deepEqual(seen, ['shipped', 'minded']);
  });
});

describe('on, once, off', () => {
  test('a listener gets the value and the event', () => {
    const sse = new SseClient();
    const calls = [];
    sse.on('a', (value, event) => calls.push([value, event]));
    FakeSource.last.sends('a', '00ff-1', envelope({ order: 42 }));
    const [[value, event]] = calls;
    assert.deepEqual(value, { order: 42 });
    assert.ok(event instanceof SseEvent && event instanceof MessageEvent);
    assert.equal(event.time, '2026-11-23T15:51:00.123Z');
    assert.equal(event.lastEventId, '00ff-1');
  });

  test('values of every kind', () => {
    const value = (data) => new SseEvent('a', { data }).value;
    for (const saved of [null, false, 0, '', [1], { a: { b: 1 } }]) {
      assert.deepEqual(value(JSON.stringify(envelope(saved))), saved);
    }
    assert.deepEqual(value('{"reason":"swept"}'), { reason: 'swept' });
    assert.equal(value('15'), 15);
    assert.equal(value('no JSON'), 'no JSON');
    assert.equal(new SseEvent('a', { data: 'no JSON' }).time, undefined);
  });

  test('off and the returned function take away; the last registration counts', () => {
    const sse = new SseClient();
    let calls = 0;
    const count = () => (calls += 1);
    const send = () => FakeSource.last.sends('a', '1', '1');
    sse.on('a', count);
    sse.on('a', count);
    send();
    assert.equal(calls, 1);
    sse.off('a', count);
    send();
    assert.equal(calls, 1);
    const old = sse.on('a', count);
    const stop = sse.on('a', count);
    old();
    send();
    assert.equal(calls, 2, 'a function returned earlier does not take away the newer registration');
    stop();
    send();
    assert.equal(calls, 2);
    sse.off('unknown', count);
    assert.throws(() => sse.on('a', 'no function'), TypeError);
  });

  test('once hears one event and can be taken away before it', () => {
    const sse = new SseClient();
    const seen = [];
    const never = () => seen.push('never');
    sse.once('a', (value) => seen.push(value));
    sse.once('a', never);
    sse.off('a', never);
    FakeSource.last.sends('a', '1', envelope(1));
    FakeSource.last.sends('a', '2', envelope(2));
    assert.deepEqual(seen, [1]);
  });

  test('a listener that throws stops no other', async () => {
    const sse = new SseClient();
    const seen = [];
    // What a listener throws is reported to the page, here to the process, and goes no other way.
    const thrown = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
    sse.on('a', () => { throw new Error('on purpose'); });
    sse.on('a', (value) => seen.push(value));
    FakeSource.last.sends('a', '1', envelope(1));
    assert.deepEqual(seen, [1]);
    assert.equal((await thrown).message, 'on purpose');
    process.setUncaughtExceptionCaptureCallback(null);
  });
});

describe('status', () => {
  test('a planned end is not seen', () => {
    const sse = new SseClient();
    const seen = statuses(sse);
    assert.equal(sse.status, 'connecting');
    FakeSource.last.opens();
    FakeSource.last.ends();
    clock.tick(1000);
    FakeSource.last.opens();
    clock.tick(60_000);
    assert.deepEqual(seen, ['open']);
    assert.equal(FakeSource.all.length, 1);
  });

  test('a connection that stays away is seen, at the latest with the second failure', () => {
    const sse = new SseClient();
    const seen = statuses(sse);
    FakeSource.last.opens();
    FakeSource.last.ends();
    clock.tick(2000);
    assert.equal(sse.status, 'reconnecting');
    FakeSource.last.opens();
    FakeSource.last.ends();
    FakeSource.last.ends();
    assert.deepEqual(seen, ['open', 'reconnecting', 'open', 'reconnecting']);
  });

  test('without EventSource the client is there and silent', () => {
    delete globalThis.EventSource;
    delete globalThis.location;
    const sse = new SseClient('/sse/stream');
    sse.on('a', () => {});
    sse.close();
    assert.equal(sse.status, 'unsupported');
    assert.equal(sse.readyState, sse.CLOSED);
  });
});

describe('where EventSource gives up', () => {
  test('a new connection is opened, ever later, and returns to its place', () => {
    const sse = new SseClient('/sse/stream', { events: ['a'] });
    const seen = [];
    sse.on('a', (value) => seen.push(value));
    FakeSource.last.opens();
    FakeSource.last.sends('a', '00ff-1', envelope(1));
    FakeSource.last.ends();
    for (const wait of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      const before = FakeSource.all.length;
      FakeSource.last.refused();
      assert.equal(sse.status, 'reconnecting');
      assert.equal(sse.readyState, sse.CONNECTING);
      clock.tick(wait - 1);
      assert.equal(FakeSource.all.length, before);
      clock.tick(1);
      assert.equal(FakeSource.all.length, before + 1);
    }
    assert.equal(query(FakeSource.last).get('last_event_id'), '00ff-1');
    assert.equal(query(FakeSource.last).get('events'), 'a');
    FakeSource.last.opens();
    assert.equal(sse.status, 'open');
    FakeSource.last.sends('a', '00ff-2', envelope(2));
    assert.deepEqual(seen, [1, 2]);
    FakeSource.last.refused();
    clock.tick(1000);
    assert.equal(FakeSource.all.length, 9, 'a connection that opened begins the waits again');
  });

  test('half of each wait is chance', () => {
    chance.mock.mockImplementation(() => 0);
    new SseClient();
    FakeSource.last.refused();
    clock.tick(500);
    assert.equal(FakeSource.all.length, 2);
  });

  test('the place is known by heartbeats and gaps too', () => {
    const sse = new SseClient();
    FakeSource.last.opens();
    FakeSource.last.sends('sse.heartbeat', '00ff-7', '15');
    assert.equal(sse.lastEventId, '00ff-7');
    FakeSource.last.sends('sse.gap', '00ff-9', { reason: 'swept' });
    assert.equal(sse.lastEventId, '00ff-9');
  });

  test('a gap from the wire reaches its listener', () => {
    const sse = new SseClient();
    const seen = [];
    sse.on('sse.gap', ({ reason }, event) => seen.push([reason, event.lastEventId]));
    FakeSource.last.sends('sse.gap', '00ff-9', { reason: 'swept' });
    assert.deepEqual(seen, [['swept', '00ff-9']]);
  });

  test('a place that was never named is a gap, once, and only after the stream had been open', () => {
    const sse = new SseClient();
    const gaps = [];
    sse.on('sse.gap', ({ reason }) => gaps.push(reason));
    FakeSource.last.refused();
    clock.tick(1000);
    FakeSource.last.opens();
    assert.equal(gaps.length, 0);
    FakeSource.last.refused();
    clock.tick(1000);
    FakeSource.last.opens();
    FakeSource.last.ends();
    FakeSource.last.opens();
    assert.equal(gaps.length, 1);
  });
});

describe('close', () => {
  test('is for good, and silent', () => {
    const sse = new SseClient();
    const seen = statuses(sse);
    const source = FakeSource.last;
    let heard = 0;
    for (const name of ['a', 'error', 'open']) sse.on(name, () => (heard += 1));
    sse.close();
    sse.close();
    source.sends('a', '1', '1');
    source.opens();
    source.refused();
    clock.tick(120_000);
    assert.equal(heard, 0);
    assert.deepEqual(seen, ['closed']);
    assert.equal(source.readyState, 2);
    assert.equal(FakeSource.all.length, 1);
  });

  test('ends the waiting for a new connection, and the grace of a lost one', () => {
    const waiting = new SseClient();
    FakeSource.last.refused();
    waiting.close();
    const lost = new SseClient();
    FakeSource.last.opens();
    FakeSource.last.ends();
    lost.close();
    clock.tick(120_000);
    assert.equal(FakeSource.all.length, 2);
    assert.deepEqual([waiting.status, lost.status], ['closed', 'closed']);
  });

  test('inside a listener stops what was under way', () => {
    const sse = new SseClient();
    let errors = 0;
    sse.on('sse.status', (status) => status === 'reconnecting' && sse.close());
    sse.on('error', () => (errors += 1));
    FakeSource.last.refused();
    clock.tick(120_000);
    assert.equal(errors, 0);
    assert.equal(sse.status, 'closed');
    assert.equal(FakeSource.all.length, 1);
  });
});
