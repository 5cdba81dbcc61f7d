// The page's back/forward cache, and close.
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';

import {
  collectValues,
  dispatchToWindow,
  environment,
  eventId,
  FakeRequest,
  openAlone,
  settle,
} from './environment.mjs';

describe('the page', () => {
  test('in the back/forward cache closes its connection, and resumes after its own id', async () => {
    const sse = openAlone();
    const values = collectValues(sse, 'a');
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    dispatchToWindow('pagehide', { persisted: true });
    assert.equal(FakeRequest.allOpen.length, 0);
    assert.equal(environment.clock.timers, 0);
    // A page that came after it in the same tab is further.
    environment.storage.setItem('sse http://page.test/sse/stream', eventId(9));
    dispatchToWindow('pageshow', { persisted: false });
    assert.equal(FakeRequest.all.length, 1);
    dispatchToWindow('pageshow', { persisted: true });
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(1));
    await FakeRequest.last.open(eventId(1));
    await FakeRequest.last.sendEvent('a', eventId(2), 2);
    assert.deepEqual(values, [1, 2]);
    assert.equal(sse.status, 'open');
  });

  test('of a closed client has no listeners left', async () => {
    const sse = openAlone();
    await FakeRequest.last.open(eventId(0));
    sse.close();
    dispatchToWindow('pagehide', { persisted: true });
    dispatchToWindow('pageshow', { persisted: true });
    dispatchToWindow('online');
    environment.document.dispatchEvent(new Event('visibilitychange'));
    await settle();
    assert.equal(FakeRequest.all.length, 1);
    assert.equal(environment.clock.timers, 0);
  });
});

describe('the stream of a page that loads', () => {
  const finish = () => environment.document.dispatchEvent(new Event('DOMContentLoaded'));

  test('opens after the scripts of the page have run', async () => {
    environment.document.readyState = 'loading';
    const sse = openAlone();
    await settle();
    assert.deepEqual([FakeRequest.all.length, sse.readyState, sse.status], [0, 0, 'connecting']);
    environment.document.readyState = 'interactive';
    finish();
    assert.equal(FakeRequest.all.length, 1);
    await FakeRequest.last.open(eventId(0));
    sse.close();
    assert.equal(environment.clock.timers, 0);
  });

  test('opens when the last deferred scripts have run', async () => {
    const navigation = { domContentLoadedEventStart: 0 };
    mock.method(performance, 'getEntriesByType', (type) => (type === 'navigation' ? [navigation] : []));
    environment.document.readyState = 'interactive';
    openAlone();
    await settle();
    assert.equal(FakeRequest.all.length, 0, 'other deferred scripts may follow');
    finish();
    assert.equal(FakeRequest.all.length, 1);
    navigation.domContentLoadedEventStart = 12.5;
    openAlone();
    assert.equal(FakeRequest.all.length, 2, 'a client that is created later connects at once');
  });

  test('opens when the page is loaded, in a browser that rounds the time to 0', async () => {
    mock.method(performance, 'getEntriesByType', () => [{ domContentLoadedEventStart: 0 }]);
    environment.document.readyState = 'interactive';
    openAlone();
    dispatchToWindow('load');
    assert.equal(FakeRequest.all.length, 1);
  });

  test('waits for a script for five seconds at most', async () => {
    environment.document.readyState = 'loading';
    openAlone();
    await environment.clock.tick(4999);
    assert.equal(FakeRequest.all.length, 0);
    await environment.clock.tick(1);
    assert.equal(FakeRequest.all.length, 1);
    finish();
    assert.equal(FakeRequest.all.length, 1);
  });

  test('does not open if the client was closed before', async () => {
    environment.document.readyState = 'loading';
    const sse = openAlone();
    sse.close();
    assert.equal(environment.clock.timers, 0);
    finish();
    await settle();
    assert.equal(FakeRequest.all.length, 0);
    sse.connect();
    assert.equal(FakeRequest.all.length, 1, 'connect() does not wait');
  });
});

describe('close', () => {
  test('is final, and dispatches nothing more', async () => {
    const sse = openAlone();
    const seen = collectValues(sse, 'sse.status');
    const others = [collectValues(sse, 'a'), collectValues(sse, 'error'), collectValues(sse, 'open')];
    const request = FakeRequest.last;
    sse.close();
    sse.close();
    await request.fail();
    await environment.clock.tick(120_000);
    assert.deepEqual(others, [[], [], []]);
    assert.deepEqual(seen, ['closed']);
    assert.equal(FakeRequest.all.length, 1);
    assert.equal(environment.clock.timers, 0);
  });

  test('cancels the retry, and the delay of the status', async () => {
    const waiting = openAlone();
    await FakeRequest.last.respond(503);
    waiting.close();
    const lost = openAlone();
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.end();
    lost.close();
    await environment.clock.tick(120_000);
    assert.equal(FakeRequest.all.length, 2);
    assert.deepEqual([waiting.status, lost.status], ['closed', 'closed']);
  });

  test('inside a listener stops the remaining events', async () => {
    const sse = openAlone();
    const errors = collectValues(sse, 'error');
    const values = collectValues(sse, 'a');
    sse.on('sse.status', (status) => status === 'reconnecting' && sse.close());
    await FakeRequest.last.respond(503);
    await environment.clock.tick(120_000);
    assert.deepEqual([errors, sse.status, FakeRequest.all.length], [[], 'closed', 1]);

    const other = openAlone();
    other.on('a', (value) => {
      values.push(value);
      other.close();
    });
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.send([1, 2].map((n) => `id: ${eventId(n)}\nevent: a\ndata: ${n}\n\n`).join(''));
    assert.deepEqual(values, [1]);
    assert.equal(other.lastEventId, eventId(1), 'the events after it arrive when the client opens again');
    assert.equal(
      environment.storage.getItem('sse http://page.test/sse/stream'),
      eventId(1),
      'also on the next page',
    );
  });
});
