// What pages use: the interface of EventSource, and on, once and off.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import {
  client,
  collectValues,
  envelope,
  environment,
  eventId,
  FakeRequest,
  openAlone,
} from './environment.mjs';

const { SseClient, SseEvent, default: SseDefault } = client;

test('the built file is small and evaluates no text', () => {
  const text = readFileSync(new URL('../../assets/js/sse.js', import.meta.url));
  assert.ok(gzipSync(text, { level: 9 }).length < 7 * 1024);
  assert.doesNotMatch(text.toString(), /\beval\b|new Function/);
  assert.match(text.toString(), /^\/\/ This file belongs to actix-web-sse/);
});

describe('the interface of EventSource', () => {
  test('has the URL, credentials, constants and ready states', async () => {
    const sse = openAlone();
    assert.equal(SseDefault, SseClient);
    assert.equal(sse.url, 'http://page.test/sse/stream');
    assert.equal(sse.withCredentials, false);
    assert.deepEqual([SseClient.CONNECTING, SseClient.OPEN, SseClient.CLOSED], [0, 1, 2]);
    assert.deepEqual([sse.CONNECTING, sse.OPEN, sse.CLOSED], [0, 1, 2]);
    assert.equal(sse.readyState, sse.CONNECTING);
    await FakeRequest.last.open();
    assert.equal(sse.readyState, sse.OPEN);
    sse.close();
    assert.equal(sse.readyState, sse.CLOSED);
  });

  test('sends the options with the request', () => {
    const sse = new SseClient('/api/stream?tenant=7', {
      withCredentials: true,
      events: ['event_name1', 'event_name2'],
      lastEventId: eventId(41),
      share: false,
    });
    const { last } = FakeRequest;
    assert.equal(last.options.credentials, 'include');
    assert.equal(last.options.cache, 'no-store');
    assert.deepEqual([...last.options.headers], [['accept', 'text/event-stream']]);
    assert.equal(last.query('tenant'), '7');
    assert.equal(last.query('events'), 'event_name1,event_name2');
    assert.equal(last.query('last_event_id'), eventId(41));
    assert.equal(new URL(sse.url).searchParams.has('last_event_id'), false);
    assert.equal(sse.lastEventId, eventId(41));
  });

  test('accepts events in the URL, too', () => {
    new SseClient('/sse/stream?events=a,b', { share: false });
    assert.equal(FakeRequest.last.query('events'), 'a,b');
  });

  test('passes events to the listener of an EventSource unchanged', async () => {
    const source = openAlone();
    const seen = [];
    source.addEventListener('event_name1', (e) =>
      seen.push([JSON.parse(e.data).timestamp, e.lastEventId, e.origin, e.type]),
    );
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.sendEvent('event_name1', eventId(1), 1);
    assert.deepEqual(seen, [['2026-11-23T15:51:00.123Z', eventId(1), 'http://page.test', 'event_name1']]);
  });

  test('calls onopen, onmessage, onerror, onstatus and ongap', async () => {
    const sse = openAlone();
    const seen = [];
    sse.onopen = function () {
      seen.push(['open', this === sse]);
    };
    sse.onmessage = (event) => seen.push(['message', event.data]);
    sse.onerror = (event) => seen.push(['error', event.type]);
    sse.onstatus = ({ value }) => seen.push(['status', value]);
    sse.ongap = ({ value }) => seen.push(['gap', value.reason]);
    await FakeRequest.last.open();
    await FakeRequest.last.send('data: text\n\nevent: sse.gap\ndata: {"reason":"swept"}\n\n');
    sse.onmessage = null;
    await FakeRequest.last.send('data: ignored\n\n');
    await FakeRequest.last.end();
    assert.deepEqual(seen, [
      ['status', 'open'],
      ['open', true],
      ['message', 'text'],
      ['gap', 'swept'],
      ['error', 'error'],
    ]);
  });

  test('accepts app events with the names status and gap', async () => {
    const sse = openAlone();
    const seen = [collectValues(sse, 'status'), collectValues(sse, 'gap')];
    await FakeRequest.last.open();
    await FakeRequest.last.send('event: sse.gap\ndata: {"reason":"swept"}\n\n');
    assert.deepEqual(seen, [[], []]);
    await FakeRequest.last.sendEvent('status', eventId(2), 'shipped');
    await FakeRequest.last.sendEvent('gap', eventId(3), 'minded');
    assert.deepEqual(seen, [['shipped'], ['minded']]);
  });

  test('stays silent in an environment without a page', () => {
    const { document } = environment;
    delete globalThis.document;
    const sse = new SseClient('/sse/stream');
    globalThis.document = document;
    sse.on('a', () => {});
    sse.close();
    sse.connect();
    assert.equal(sse.status, 'unsupported');
    assert.equal(sse.readyState, sse.CLOSED);
    assert.equal(FakeRequest.all.length, 0);
  });
});

describe('on, once and off', () => {
  test('on calls the listener with the value and the event', async () => {
    const sse = openAlone();
    const calls = [];
    sse.on('a', (value, event) => calls.push([value, event]));
    await FakeRequest.last.open();
    await FakeRequest.last.sendEvent('a', eventId(1), { order: 42 });
    const [[value, event]] = calls;
    assert.deepEqual(value, { order: 42 });
    assert.ok(event instanceof SseEvent && event instanceof MessageEvent);
    assert.equal(event.time, '2026-11-23T15:51:00.123Z');
    assert.equal(event.lastEventId, eventId(1));
  });

  test('an event parses values of every JSON type', () => {
    const value = (data) => new SseEvent('a', { data }).value;
    for (const saved of [null, false, 0, '', [1], { a: { b: 1 } }]) {
      assert.deepEqual(value(JSON.stringify(envelope(saved))), saved);
    }
    assert.deepEqual(value('{"reason":"swept"}'), { reason: 'swept' });
    assert.equal(value('15'), 15);
    assert.equal(value('no JSON'), 'no JSON');
    assert.equal(new SseEvent('a', { data: 'no JSON' }).time, undefined);
  });

  test('* receives every app event under its own name, and no event of the client', async () => {
    const sse = openAlone();
    const seen = [];
    const stop = sse.on('*', (value, event) => seen.push([event.type, value, event.lastEventId]));
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    await FakeRequest.last.sendEvent('b', eventId(2), 2);
    stop();
    await FakeRequest.last.sendEvent('b', eventId(3), 3);
    assert.deepEqual(seen, [
      ['a', 1, eventId(1)],
      ['b', 2, eventId(2)],
    ]);
  });

  test('off and the returned function remove the listener; the last registration counts', async () => {
    const sse = openAlone();
    let calls = 0;
    let id = 0;
    const count = () => (calls += 1);
    const send = () => {
      id += 1;
      return FakeRequest.last.sendEvent('a', eventId(id), 1);
    };
    await FakeRequest.last.open();
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
    assert.equal(calls, 2, 'a function returned earlier does not remove the newer registration');
    stop();
    await send();
    assert.equal(calls, 2);
    sse.off('unknown', count);
    assert.throws(() => sse.on('a', 'no function'), TypeError);
  });

  test('once receives one event and can be removed before it', async () => {
    const sse = openAlone();
    const seen = [];
    const never = () => seen.push('never');
    sse.once('a', (value) => seen.push(value));
    sse.once('a', never);
    sse.off('a', never);
    await FakeRequest.last.open();
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    await FakeRequest.last.sendEvent('a', eventId(2), 2);
    assert.deepEqual(seen, [1]);
  });

  test('a listener that throws does not stop the others', async () => {
    const sse = openAlone();
    // What a listener throws is reported to the dispatchToWindow, here to the process, and goes no other way.
    const thrown = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
    sse.on('a', () => {
      throw new Error('on purpose');
    });
    const seen = collectValues(sse, 'a');
    await FakeRequest.last.open();
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    await FakeRequest.last.sendEvent('a', eventId(2), 2);
    assert.deepEqual(seen, [1, 2]);
    assert.equal((await thrown).message, 'on purpose');
    process.setUncaughtExceptionCaptureCallback(null);
  });
});
