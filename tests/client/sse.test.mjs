// One client on a pretended network and a pretended clock: `node --test tests/client/*.test.mjs`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { at, client, EPOCH, envelope, OTHER, page, Request, settled, world } from './world.mjs';

const { SseClient, SseEvent, default: SseDefault } = client;

/** A client with a connection of its own. */
const alone = (options = {}) => new SseClient('/sse/stream', { share: false, ...options });

/** What `on` gives for this event, from now on. */
function heard(sse, name) {
  const seen = [];
  sse.on(name, (value) => seen.push(value));
  return seen;
}

test('the file is small, and evaluates no text', () => {
  const text = readFileSync(new URL('../../assets/js/sse.js', import.meta.url));
  assert.ok(gzipSync(text, { level: 9 }).length < 5 * 1024);
  assert.doesNotMatch(text.toString(), /\beval\b|new Function/);
  assert.match(text.toString(), /^\/\/ This file belongs to actix-web-sse/);
});

describe("EventSource's own shape", () => {
  test('url, credentials, constants, ready states', async () => {
    const sse = alone();
    assert.equal(SseDefault, SseClient);
    assert.equal(sse.url, 'http://page.test/sse/stream');
    assert.equal(sse.withCredentials, false);
    assert.deepEqual([SseClient.CONNECTING, SseClient.OPEN, SseClient.CLOSED], [0, 1, 2]);
    assert.deepEqual([sse.CONNECTING, sse.OPEN, sse.CLOSED], [0, 1, 2]);
    assert.equal(sse.readyState, sse.CONNECTING);
    await Request.last.opens();
    assert.equal(sse.readyState, sse.OPEN);
    sse.close();
    assert.equal(sse.readyState, sse.CLOSED);
  });

  test('options reach the stream', () => {
    const sse = new SseClient('/api/stream?tenant=7', {
      withCredentials: true, events: ['event_name1', 'event_name2'], lastEventId: at(41), share: false,
    });
    const { last } = Request;
    assert.equal(last.options.credentials, 'include');
    assert.equal(last.options.cache, 'no-store');
    assert.equal(last.options.headers.Accept, 'text/event-stream');
    assert.equal(last.query('tenant'), '7');
    assert.equal(last.query('events'), 'event_name1,event_name2');
    assert.equal(last.query('last_event_id'), at(41));
    assert.equal(new URL(sse.url).searchParams.has('last_event_id'), false);
    assert.equal(sse.lastEventId, at(41));
  });

  test('events may also be named in the address', () => {
    new SseClient('/sse/stream?events=a,b', { share: false });
    assert.equal(Request.last.query('events'), 'a,b');
  });

  test("the original's listener works as it is", async () => {
    const source = alone();
    const seen = [];
    source.addEventListener('event_name1', (e) => seen.push([JSON.parse(e.data).timestamp, e.lastEventId, e.origin, e.type]));
    await Request.last.opens(at(0));
    await Request.last.event('event_name1', at(1), 1);
    assert.deepEqual(seen, [['2026-11-23T15:51:00.123Z', at(1), 'http://page.test', 'event_name1']]);
  });

  test('onopen, onmessage, onerror, onstatus, ongap', async () => {
    const sse = alone();
    const seen = [];
    sse.onopen = function () { seen.push(['open', this === sse]); };
    sse.onmessage = (event) => seen.push(['message', event.data]);
    sse.onerror = (event) => seen.push(['error', event.type]);
    sse.onstatus = ({ value }) => seen.push(['status', value]);
    sse.ongap = ({ value }) => seen.push(['gap', value.reason]);
    await Request.last.opens();
    await Request.last.sends('data: text\n\nevent: sse.gap\ndata: {"reason":"swept"}\n\n');
    sse.onmessage = null;
    await Request.last.sends('data: unheard\n\n');
    await Request.last.ends();
    assert.deepEqual(seen, [['status', 'open'], ['open', true], ['message', 'text'], ['gap', 'swept'], ['error', 'error']]);
  });

  test('an event of the app may be called status or gap', async () => {
    const sse = alone();
    const seen = [heard(sse, 'status'), heard(sse, 'gap')];
    await Request.last.opens();
    await Request.last.sends('event: sse.gap\ndata: {"reason":"swept"}\n\n');
    assert.deepEqual(seen, [[], []]);
    await Request.last.event('status', at(2), 'shipped');
    await Request.last.event('gap', at(3), 'minded');
    assert.deepEqual(seen, [['shipped'], ['minded']]);
  });

  test('where there is no page and no stream it is there and silent', () => {
    const { document } = world;
    delete globalThis.document;
    const sse = new SseClient('/sse/stream');
    globalThis.document = document;
    sse.on('a', () => {});
    sse.close();
    sse.connect();
    assert.equal(sse.status, 'unsupported');
    assert.equal(sse.readyState, sse.CLOSED);
    assert.equal(Request.all.length, 0);
  });
});

describe('on, once, off', () => {
  test('a listener gets the value and the event', async () => {
    const sse = alone();
    const calls = [];
    sse.on('a', (value, event) => calls.push([value, event]));
    await Request.last.opens();
    await Request.last.event('a', at(1), { order: 42 });
    const [[value, event]] = calls;
    assert.deepEqual(value, { order: 42 });
    assert.ok(event instanceof SseEvent && event instanceof MessageEvent);
    assert.equal(event.time, '2026-11-23T15:51:00.123Z');
    assert.equal(event.lastEventId, at(1));
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

  test('* hears every event of the app under its own name, and none of ours', async () => {
    const sse = alone();
    const seen = [];
    const stop = sse.on('*', (value, event) => seen.push([event.type, value, event.lastEventId]));
    await Request.last.opens(at(0));
    await Request.last.event('a', at(1), 1);
    await Request.last.event('b', at(2), 2);
    stop();
    await Request.last.event('b', at(3), 3);
    assert.deepEqual(seen, [['a', 1, at(1)], ['b', 2, at(2)]]);
  });

  test('off and the returned function take away; the last registration counts', async () => {
    const sse = alone();
    let calls = 0;
    let id = 0;
    const count = () => (calls += 1);
    const send = () => Request.last.event('a', at((id += 1)), 1);
    await Request.last.opens();
    sse.on('a', count);
    sse.on('a', count);
    await send();
    assert.equal(calls, 1);
    sse.off('a', count);
    await send();
    assert.equal(calls, 1);
    const old = sse.on('a', count);
    const stop = sse.on('a', count);
    old();
    await send();
    assert.equal(calls, 2, 'a function returned earlier does not take away the newer registration');
    stop();
    await send();
    assert.equal(calls, 2);
    sse.off('unknown', count);
    assert.throws(() => sse.on('a', 'no function'), TypeError);
  });

  test('once hears one event and can be taken away before it', async () => {
    const sse = alone();
    const seen = [];
    const never = () => seen.push('never');
    sse.once('a', (value) => seen.push(value));
    sse.once('a', never);
    sse.off('a', never);
    await Request.last.opens();
    await Request.last.event('a', at(1), 1);
    await Request.last.event('a', at(2), 2);
    assert.deepEqual(seen, [1]);
  });

  test('a listener that throws stops no other', async () => {
    const sse = alone();
    // What a listener throws is reported to the page, here to the process, and goes no other way.
    const thrown = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
    sse.on('a', () => { throw new Error('on purpose'); });
    const seen = heard(sse, 'a');
    await Request.last.opens();
    await Request.last.event('a', at(1), 1);
    await Request.last.event('a', at(2), 2);
    assert.deepEqual(seen, [1, 2]);
    assert.equal((await thrown).message, 'on purpose');
    process.setUncaughtExceptionCaptureCallback(null);
  });
});

describe('a lost connection', () => {
  test('comes back to its place after the time that the server named, and a planned end is not seen', async () => {
    const sse = alone({ events: ['a'] });
    const seen = heard(sse, 'sse.status');
    const values = heard(sse, 'a');
    const gaps = heard(sse, 'sse.gap');
    await Request.last.opens(at(0));
    await Request.last.event('a', at(1), 1);
    await Request.last.sends('retry: 50\n\n');
    await Request.last.ends();
    assert.equal(sse.readyState, sse.CONNECTING);
    await world.clock.tick(49);
    assert.equal(Request.all.length, 1);
    await world.clock.tick(1);
    assert.equal(Request.all.length, 2);
    assert.equal(Request.last.query('last_event_id'), at(1));
    assert.equal(Request.last.query('events'), 'a');
    await Request.last.opens(at(1));
    await Request.last.event('a', at(2), 2);
    await world.clock.tick(10_000);
    assert.deepEqual(seen, ['open']);
    assert.deepEqual(values, [1, 2]);
    await Request.last.sends(`id: ${at(3)}\nevent: sse.gap\ndata: {"reason":"unreadable"}\n\n`);
    assert.equal(gaps.length, 1, 'our own events come, whatever else is asked for');
  });

  test('that stays away is seen, at the latest with the second failure', async () => {
    const sse = alone();
    const seen = heard(sse, 'sse.status');
    assert.equal(sse.status, 'connecting');
    await Request.last.opens(at(0));
    await Request.last.sends('retry: 5000\n\n');
    await Request.last.breaks();
    await world.clock.tick(1999);
    assert.equal(sse.status, 'open');
    await world.clock.tick(1);
    assert.equal(sse.status, 'reconnecting');
    await world.clock.tick(5000);
    await Request.last.opens(at(0));
    await Request.last.sends('retry: 10\n\n');
    await Request.last.breaks();
    await world.clock.tick(10);
    await Request.last.breaks();
    assert.deepEqual(seen, ['open', 'reconnecting', 'open', 'reconnecting']);
  });

  test('is tried ever later, and begins anew once something was heard', async () => {
    const sse = alone();
    await Request.last.opens(at(7));
    await Request.last.breaks();
    for (const wait of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      const before = Request.all.length;
      await world.clock.tick(wait - 1);
      assert.equal(Request.all.length, before, `${wait}`);
      await world.clock.tick(1);
      assert.equal(Request.all.length, before + 1, `${wait}`);
      await Request.last.answers(503);
      assert.equal(sse.status, 'reconnecting');
      assert.equal(sse.readyState, sse.CONNECTING);
    }
    await world.clock.tick(30_000);
    assert.equal(Request.last.query('last_event_id'), at(7));
    await Request.last.opens(at(7));
    assert.equal(sse.status, 'open');
    await Request.last.breaks();
    const before = Request.all.length;
    await world.clock.tick(1000);
    assert.equal(Request.all.length, before + 1);
  });

  test('half of each wait is chance', async () => {
    world.chance.mock.mockImplementation(() => 0);
    alone();
    await Request.last.breaks();
    await world.clock.tick(500);
    assert.equal(Request.all.length, 2);
  });

  test('Retry-After is waited for, in seconds or as a date', async () => {
    world.chance.mock.mockImplementation(() => 0);
    const date = () => new Date(Math.ceil(Date.now() / 1000) * 1000 + 20_000).toUTCString();
    for (const [status, header, least, most] of [[429, () => '7', 6999, 7001], [503, date, 19_999, 21_001]]) {
      alone();
      const after = header();
      await Request.last.answers(status, { 'retry-after': after });
      const before = Request.all.length;
      await world.clock.tick(least);
      assert.equal(Request.all.length, before, `${status}`);
      await world.clock.tick(most - least);
      assert.equal(Request.all.length, before + 1, `${status}`);
      await Request.last.answers(204);
    }
  });

  test('is known by silence, which is no longer than two heartbeats', async () => {
    const sse = alone();
    await Request.last.opens(at(0));
    await world.clock.tick(29_000);
    await Request.last.sends(':\n\n');
    await world.clock.tick(29_999);
    assert.equal(sse.readyState, sse.OPEN);
    const [first] = Request.all;
    await world.clock.tick(1);
    assert.equal(first.isOpen, false);
    assert.equal(sse.readyState, sse.CONNECTING);
    await world.clock.tick(1000);
    assert.equal(Request.all.length, 2);
    await world.clock.tick(30_000);
    assert.equal(Request.last.isOpen, false, 'a server that does not answer is given up as well');
  });

  test('is known sooner where heartbeats come more often', async () => {
    const sse = alone();
    await Request.last.opens();
    await Request.last.sends('event: sse.heartbeat\ndata: 0.5\n\n');
    await world.clock.tick(999);
    assert.equal(sse.readyState, sse.OPEN);
    await world.clock.tick(1);
    assert.equal(sse.readyState, sse.CONNECTING);
  });

  test('after sleep is looked for as soon as somebody looks', async () => {
    alone();
    await Request.last.opens(at(3));
    world.clock.sleep(3_600_000);
    world.document.hidden = true;
    world.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(Request.all.length, 1);
    world.document.hidden = false;
    world.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(Request.all.length, 2);
    assert.equal(Request.last.query('last_event_id'), at(3));
    await Request.last.opens(at(3));
    world.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(Request.all.length, 2, 'one that was just heard is left alone');
    page('online');
    assert.equal(Request.all.length, 3, 'another network is another connection');
  });

  test('that waits is tried at once when the page is looked at', async () => {
    alone();
    await Request.last.answers(503, { 'retry-after': '600' });
    world.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(Request.all.length, 2);
    await Request.last.opens(at(0));
    await world.clock.tick(10_000);
    assert.equal(Request.all.length, 2, 'and the wait is over');
  });

  test('whose place was never named is a gap, once, and only where it was open', async () => {
    const sse = alone();
    const gaps = heard(sse, 'sse.gap');
    await Request.last.breaks();
    await world.clock.tick(1000);
    await Request.last.opens();
    assert.equal(gaps.length, 0);
    for (const wait of [2000, 4000]) {
      await Request.last.breaks();
      await world.clock.tick(wait);
    }
    await Request.last.opens(at(0));
    await Request.last.ends();
    await world.clock.tick(1000);
    await Request.last.opens(at(0));
    assert.deepEqual(gaps, [{ reason: 'connection-lost' }]);
  });

  test('is an error event each time, which says what the server answered', async () => {
    const sse = alone();
    const seen = [];
    sse.addEventListener('error', ({ status, body, final }) => seen.push([status, body, final]));
    await Request.last.answers(503, {}, 'error: all streams are in use\n');
    await world.clock.tick(1000);
    await Request.last.breaks();
    assert.deepEqual(seen, [[503, 'error: all streams are in use\n', false], [undefined, undefined, false]]);
  });
});

describe('a refusal', () => {
  for (const status of [204, 401, 403, 404, 410]) {
    test(`${status} is final, and says why`, async () => {
      const sse = alone();
      const seen = heard(sse, 'sse.status');
      const errors = [];
      sse.onerror = ({ status, body, final }) => errors.push([status, body, final]);
      await Request.last.answers(status, {}, status === 204 ? null : 'log in first');
      await world.clock.tick(600_000);
      assert.deepEqual(errors, [[status, status === 204 ? '' : 'log in first', true]]);
      assert.deepEqual(seen, ['closed']);
      assert.equal(sse.readyState, sse.CLOSED);
      assert.equal(Request.all.length, 1);
    });
  }

  test('can be tried again, from the same place', async () => {
    const sse = alone();
    await Request.last.opens(at(5));
    await Request.last.ends();
    await world.clock.tick(1000);
    await Request.last.answers(401);
    sse.connect();
    assert.equal(sse.status, 'connecting');
    assert.equal(Request.last.query('last_event_id'), at(5));
    await Request.last.opens(at(5));
    assert.equal(sse.status, 'open');
    sse.connect();
    assert.equal(Request.all.length, 3, 'an open one is left alone');
  });

  for (const [status, type] of [[200, 'text/html'], [200, ''], [400, 'text/plain'], [500, 'text/plain'], [502, 'text/html']]) {
    test(`${status} with ${type || 'no type'} is tried again`, async () => {
      const sse = alone();
      await Request.last.answers(status, type ? { 'content-type': type } : {}, new Uint8Array([60]));
      assert.equal(sse.status, 'reconnecting');
      await world.clock.tick(1000);
      assert.equal(Request.all.length, 2);
    });
  }

  test('of any length reaches the page in part', async () => {
    const sse = alone();
    let body;
    sse.onerror = (event) => { body = event.body; };
    await Request.last.answers(500, {}, 'x'.repeat(1_000_000));
    assert.equal(body.length, 4096);
  });
});

describe('the place in the stream', () => {
  test('is known by heartbeats and gaps too, and outlives the page', async () => {
    const sse = alone();
    await Request.last.opens(at(7));
    assert.equal(sse.lastEventId, at(7));
    await Request.last.sends(`id: ${at(9)}\nevent: sse.gap\ndata: {"reason":"swept"}\n\n`);
    assert.equal(sse.lastEventId, at(9));
    page('pagehide');
    assert.equal(Request.last.isOpen, false);
    alone();
    assert.equal(Request.last.query('last_event_id'), at(9));
    new SseClient('/other/stream', { share: false });
    assert.equal(Request.last.query('last_event_id'), null, 'each stream has its own');
    alone({ lastEventId: at(3) });
    assert.equal(Request.last.query('last_event_id'), at(3));
    alone({ resume: false });
    assert.equal(Request.last.query('last_event_id'), null);
  });

  test('is kept in no memory where there is none', async () => {
    Object.defineProperty(globalThis, 'sessionStorage', {
      get() { throw new DOMException('no', 'SecurityError'); }, configurable: true,
    });
    const sse = alone();
    await Request.last.opens(at(7));
    assert.equal(sse.lastEventId, at(7));
  });

  test('takes no event twice, and a number that is smaller than expected only where the server says so', async () => {
    const sse = alone();
    const values = heard(sse, 'a');
    const gaps = heard(sse, 'sse.gap');
    await Request.last.opens(at(0));
    for (const place of ['1', '2.1', '2', '2.1', '2', '1', '10', '9']) await Request.last.event('a', at(place), place);
    assert.deepEqual(values, ['1', '2.1', '2', '10']);
    await Request.last.sends(`id: ${at(5)}\nevent: sse.gap\ndata: {"reason":"swept"}\n\n`);
    assert.deepEqual(gaps, [], 'what lies further back was not missed here');
    await Request.last.sends(`id: ${at(5)}\nevent: sse.gap\ndata: {"reason":"unknown-id"}\n\n`);
    await Request.last.event('a', at(6), 'six');
    await Request.last.event('a', `${OTHER}-1`, 'another journal');
    assert.deepEqual(values.slice(4), ['six', 'another journal']);
    assert.deepEqual(gaps, [{ reason: 'unknown-id' }]);
  });

  test('stays with an event that has no id of its own, also on the next connection', async () => {
    const sse = alone();
    const heard = [];
    sse.onmessage = ({ data, lastEventId }) => heard.push([data, lastEventId]);
    await Request.last.opens();
    await Request.last.sends(`id: ${at(1)}\ndata: a\n\ndata: b\n\n`);
    await Request.last.ends();
    await world.clock.tick(1000);
    await Request.last.opens();
    await Request.last.sends('data: c\n\n');
    assert.deepEqual(heard, [['a', at(1)], ['b', at(1)], ['c', at(1)]]);
  });

  test('of another server is no order, and repeats are its own affair', async () => {
    const sse = alone();
    const values = heard(sse, 'a');
    await Request.last.opens();
    for (const id of ['2', '1', '1', `${EPOCH}-x`]) await Request.last.event('a', id, id);
    assert.equal(values.length, 4);
    assert.equal(sse.lastEventId, `${EPOCH}-x`);
  });
});

describe('the page', () => {
  test('that is kept by the browser gives up its connection, and comes back to its place', async () => {
    const sse = alone();
    const values = heard(sse, 'a');
    await Request.last.opens(at(0));
    await Request.last.event('a', at(1), 1);
    page('pagehide', { persisted: true });
    assert.equal(Request.open.length, 0);
    assert.equal(world.clock.timers, 0);
    // A page that came after it in the same tab is further.
    world.memory.setItem('sse http://page.test/sse/stream', at(9));
    page('pageshow', { persisted: false });
    assert.equal(Request.all.length, 1);
    page('pageshow', { persisted: true });
    assert.equal(Request.last.query('last_event_id'), at(1));
    await Request.last.opens(at(1));
    await Request.last.event('a', at(2), 2);
    assert.deepEqual(values, [1, 2]);
    assert.equal(sse.status, 'open');
  });

  test('of a closed client is not listened to any more', async () => {
    const sse = alone();
    await Request.last.opens(at(0));
    sse.close();
    page('pagehide', { persisted: true });
    page('pageshow', { persisted: true });
    page('online');
    world.document.dispatchEvent(new Event('visibilitychange'));
    await settled();
    assert.equal(Request.all.length, 1);
    assert.equal(world.clock.timers, 0);
  });
});

describe('close', () => {
  test('is for good, and silent', async () => {
    const sse = alone();
    const seen = heard(sse, 'sse.status');
    const others = [heard(sse, 'a'), heard(sse, 'error'), heard(sse, 'open')];
    const request = Request.last;
    sse.close();
    sse.close();
    await request.breaks();
    await world.clock.tick(120_000);
    assert.deepEqual(others, [[], [], []]);
    assert.deepEqual(seen, ['closed']);
    assert.equal(Request.all.length, 1);
    assert.equal(world.clock.timers, 0);
  });

  test('ends the waiting for a new connection, and the grace of a lost one', async () => {
    const waiting = alone();
    await Request.last.answers(503);
    waiting.close();
    const lost = alone();
    await Request.last.opens(at(0));
    await Request.last.ends();
    lost.close();
    await world.clock.tick(120_000);
    assert.equal(Request.all.length, 2);
    assert.deepEqual([waiting.status, lost.status], ['closed', 'closed']);
  });

  test('inside a listener stops what was under way', async () => {
    const sse = alone();
    const errors = heard(sse, 'error');
    const values = heard(sse, 'a');
    sse.on('sse.status', (status) => status === 'reconnecting' && sse.close());
    await Request.last.answers(503);
    await world.clock.tick(120_000);
    assert.deepEqual([errors, sse.status, Request.all.length], [[], 'closed', 1]);

    const other = alone();
    other.on('a', (value) => { values.push(value); other.close(); });
    await Request.last.opens(at(0));
    await Request.last.sends([1, 2].map((n) => `id: ${at(n)}\nevent: a\ndata: ${n}\n\n`).join(''));
    assert.deepEqual(values, [1]);
    assert.equal(other.lastEventId, at(1), 'what was not heard is heard when it opens again');
    assert.equal(world.memory.getItem('sse http://page.test/sse/stream'), at(1), 'also on the next page');
  });
});
