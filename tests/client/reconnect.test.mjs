// How a client returns after a lost connection.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  collectValues,
  dispatchToWindow,
  environment,
  eventId,
  FakeRequest,
  openAlone,
} from './environment.mjs';

describe('a lost connection', () => {
  test('resumes after the delay that the server named, without a change of the status', async () => {
    const sse = openAlone({ events: ['a'] });
    const seen = collectValues(sse, 'sse.status');
    const values = collectValues(sse, 'a');
    const gaps = collectValues(sse, 'sse.gap');
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    await FakeRequest.last.send('retry: 50\n\n');
    await environment.clock.tick(5000);
    await FakeRequest.last.end();
    assert.equal(sse.readyState, sse.CONNECTING);
    await environment.clock.tick(49);
    assert.equal(FakeRequest.all.length, 1);
    await environment.clock.tick(1);
    assert.equal(FakeRequest.all.length, 2);
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(1));
    assert.equal(FakeRequest.last.query('events'), 'a');
    await FakeRequest.last.open(eventId(1));
    await FakeRequest.last.sendEvent('a', eventId(2), 2);
    await environment.clock.tick(10_000);
    assert.deepEqual(seen, ['open']);
    assert.deepEqual(values, [1, 2]);
    await FakeRequest.last.send(`id: ${eventId(3)}\nevent: sse.gap\ndata: {"reason":"unreadable"}\n\n`);
    assert.equal(gaps.length, 1, "the client's own events arrive whichever events are requested");
  });

  test('changes the status after two seconds, or with the second failure', async () => {
    const sse = openAlone();
    const seen = collectValues(sse, 'sse.status');
    assert.equal(sse.status, 'connecting');
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.send('retry: 5000\n\n');
    await FakeRequest.last.fail();
    await environment.clock.tick(1999);
    assert.equal(sse.status, 'open');
    await environment.clock.tick(1);
    assert.equal(sse.status, 'reconnecting');
    await environment.clock.tick(5000);
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.send('retry: 10\n\n');
    await FakeRequest.last.fail();
    await environment.clock.tick(10);
    await FakeRequest.last.fail();
    assert.deepEqual(seen, ['open', 'reconnecting', 'open', 'reconnecting']);
  });

  test('doubles the retry delay with each failure, and starts again after an event', async () => {
    const sse = openAlone();
    await FakeRequest.last.open(eventId(7));
    await FakeRequest.last.fail();
    for (const wait of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      const before = FakeRequest.all.length;
      await environment.clock.tick(wait - 1);
      assert.equal(FakeRequest.all.length, before, `${wait}`);
      await environment.clock.tick(1);
      assert.equal(FakeRequest.all.length, before + 1, `${wait}`);
      await FakeRequest.last.respond(503);
      assert.equal(sse.status, 'reconnecting');
      assert.equal(sse.readyState, sse.CONNECTING);
    }
    await environment.clock.tick(30_000);
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(7));
    await FakeRequest.last.open(eventId(7));
    assert.equal(sse.status, 'open');
    await FakeRequest.last.fail();
    const before = FakeRequest.all.length;
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.all.length, before + 1);
  });

  test('makes half of each retry delay random', async () => {
    environment.random.mock.mockImplementation(() => 0);
    openAlone();
    await FakeRequest.last.open(eventId(0));
    await environment.clock.tick(5000);
    await FakeRequest.last.fail();
    await environment.clock.tick(499);
    assert.equal(FakeRequest.all.length, 1);
    await environment.clock.tick(1);
    assert.equal(FakeRequest.all.length, 2);
  });

  test('respects Retry-After, in seconds or as a date', async () => {
    environment.random.mock.mockImplementation(() => 0);
    const date = () => new Date(Math.ceil(Date.now() / 1000) * 1000 + 20_000).toUTCString();
    for (const [status, header, least, most] of [
      [429, () => '7', 6999, 7001],
      [503, date, 19_999, 21_001],
    ]) {
      openAlone();
      const after = header();
      await FakeRequest.last.respond(status, { 'retry-after': after });
      const before = FakeRequest.all.length;
      await environment.clock.tick(least);
      assert.equal(FakeRequest.all.length, before, `${status}`);
      await environment.clock.tick(most - least);
      assert.equal(FakeRequest.all.length, before + 1, `${status}`);
      await FakeRequest.last.respond(204);
    }
  });

  test('is detected after two missing heartbeats', async () => {
    const sse = openAlone();
    await FakeRequest.last.open(eventId(0));
    await environment.clock.tick(29_000);
    await FakeRequest.last.send(':\n\n');
    await environment.clock.tick(29_999);
    assert.equal(sse.readyState, sse.OPEN);
    const [first] = FakeRequest.all;
    await environment.clock.tick(1);
    assert.equal(first.isOpen, false);
    assert.equal(sse.readyState, sse.CONNECTING);
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.all.length, 2);
    await environment.clock.tick(30_000);
    assert.equal(FakeRequest.last.isOpen, false, 'a request without a response times out, too');
  });

  test('is detected sooner if heartbeats are more frequent', async () => {
    const sse = openAlone();
    await FakeRequest.last.open();
    await FakeRequest.last.send('event: sse.heartbeat\ndata: 0.5\n\n');
    await environment.clock.tick(999);
    assert.equal(sse.readyState, sse.OPEN);
    await environment.clock.tick(1);
    assert.equal(sse.readyState, sse.CONNECTING);
  });

  test('is not detected too early if the server sends no heartbeats for weeks', async () => {
    const sse = openAlone();
    await FakeRequest.last.open();
    // The longest interval that a server names.
    await FakeRequest.last.send('event: sse.heartbeat\ndata: 4294967.295\n\n');
    await environment.clock.tick(7 * 86_400_000);
    assert.equal(sse.readyState, sse.OPEN);
    assert.equal(FakeRequest.all.length, 1);
  });

  test('is checked after sleep as soon as the page becomes visible', async () => {
    openAlone();
    await FakeRequest.last.open(eventId(3));
    environment.clock.sleep(3_600_000);
    environment.document.hidden = true;
    environment.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(FakeRequest.all.length, 1);
    environment.document.hidden = false;
    environment.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(FakeRequest.all.length, 2);
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(3));
    await FakeRequest.last.open(eventId(3));
    environment.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(FakeRequest.all.length, 2, 'a connection that has just received data is kept');
    dispatchToWindow('online');
    assert.equal(FakeRequest.all.length, 3, 'another network needs another connection');
  });

  test('is retried at once when the page becomes visible', async () => {
    openAlone();
    await FakeRequest.last.respond(503);
    environment.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(FakeRequest.all.length, 2);
    await FakeRequest.last.open(eventId(0));
    await environment.clock.tick(10_000);
    assert.equal(FakeRequest.all.length, 2, 'the retry timer is cancelled');
  });

  test('is a gap if the stream was open and had not named an id, once', async () => {
    const sse = openAlone();
    const gaps = collectValues(sse, 'sse.gap');
    await FakeRequest.last.fail();
    await environment.clock.tick(1000);
    await FakeRequest.last.open();
    assert.equal(gaps.length, 0);
    for (const wait of [2000, 4000]) {
      await FakeRequest.last.fail();
      await environment.clock.tick(wait);
    }
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    await FakeRequest.last.open(eventId(0));
    assert.deepEqual(gaps, [{ reason: 'connection-lost' }]);
  });

  test('is retried at once when connect is called', async () => {
    const sse = openAlone();
    await FakeRequest.last.respond(503);
    sse.connect();
    assert.equal(FakeRequest.all.length, 2);
    sse.connect();
    assert.equal(FakeRequest.all.length, 2, 'a request in progress is not repeated');
    await FakeRequest.last.open(eventId(0));
    assert.equal(sse.status, 'open');
  });

  test('dispatches an error event each time, with the response of the server', async () => {
    const sse = openAlone();
    const seen = [];
    sse.addEventListener('error', ({ status, body, final }) => seen.push([status, body, final]));
    await FakeRequest.last.respond(503, {}, 'error: all streams are in use\n');
    await environment.clock.tick(1000);
    await FakeRequest.last.fail();
    assert.deepEqual(seen, [
      [503, 'error: all streams are in use\n', false],
      [undefined, undefined, false],
    ]);
  });
});
