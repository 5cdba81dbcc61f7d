// Where a client resumes: after the last event id, across connections and pages.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  client,
  collectValues,
  dispatchToWindow,
  EPOCH,
  environment,
  eventId,
  FakeRequest,
  OTHER_EPOCH,
  openAlone,
} from './environment.mjs';

const { SseClient } = client;

describe('the last event id', () => {
  test('also comes from heartbeats and gaps, and outlives the page', async () => {
    const sse = openAlone();
    await FakeRequest.last.open(eventId(7));
    assert.equal(sse.lastEventId, eventId(7));
    await FakeRequest.last.send(`id: ${eventId(9)}\nevent: sse.gap\ndata: {"reason":"swept"}\n\n`);
    assert.equal(sse.lastEventId, eventId(9));
    dispatchToWindow('pagehide');
    assert.equal(FakeRequest.last.isOpen, false);
    openAlone();
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(9));
    new SseClient('/other/stream', { share: false });
    assert.equal(FakeRequest.last.query('last_event_id'), null, 'each stream has an id of its own');
    openAlone({ lastEventId: eventId(3) });
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(3));
    openAlone({ resume: false });
    assert.equal(FakeRequest.last.query('last_event_id'), null);
  });

  test('is not stored if the page has no access to sessionStorage', async () => {
    Object.defineProperty(globalThis, 'sessionStorage', {
      get() {
        throw new DOMException('no', 'SecurityError');
      },
      configurable: true,
    });
    const sse = openAlone();
    await FakeRequest.last.open(eventId(7));
    assert.equal(sse.lastEventId, eventId(7));
  });

  test('filters repeated events, and moves back only after an unknown-id gap', async () => {
    const sse = openAlone();
    const values = collectValues(sse, 'a');
    const gaps = collectValues(sse, 'sse.gap');
    await FakeRequest.last.open(eventId(0));
    const [first, second] = ['2.9f000000', '2.a0000000'];
    for (const number of ['1', first, second, '2', second, first, '2', '1', '10', '9'])
      await FakeRequest.last.sendEvent('a', eventId(number), number);
    assert.deepEqual(values, ['1', first, second, '2', '10']);
    await FakeRequest.last.send(`id: ${eventId(5)}\nevent: sse.gap\ndata: {"reason":"swept"}\n\n`);
    assert.deepEqual(gaps, [], 'this client did not miss what is further back');
    await FakeRequest.last.send(`id: ${eventId(5)}\nevent: sse.gap\ndata: {"reason":"unknown-id"}\n\n`);
    await FakeRequest.last.sendEvent('a', eventId(6), 'six');
    await FakeRequest.last.sendEvent('a', `${OTHER_EPOCH}-1`, 'another journal');
    assert.deepEqual(values.slice(5), ['six', 'another journal']);
    assert.deepEqual(gaps, [{ reason: 'unknown-id' }]);
  });

  test('stays the same for an event without an id, also on the next connection', async () => {
    const sse = openAlone();
    const received = [];
    sse.onmessage = ({ data, lastEventId }) => received.push([data, lastEventId]);
    await FakeRequest.last.open();
    await FakeRequest.last.send(`id: ${eventId(1)}\ndata: a\n\ndata: b\n\n`);
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    await FakeRequest.last.open();
    await FakeRequest.last.send('data: c\n\n');
    assert.deepEqual(received, [
      ['a', eventId(1)],
      ['b', eventId(1)],
      ['c', eventId(1)],
    ]);
  });

  test('of another server has no order, so its events are not filtered', async () => {
    const sse = openAlone();
    const values = collectValues(sse, 'a');
    await FakeRequest.last.open();
    for (const id of ['2', '1', '1', `${EPOCH}-x`]) await FakeRequest.last.sendEvent('a', id, id);
    assert.equal(values.length, 4);
    assert.equal(sse.lastEventId, `${EPOCH}-x`);
  });
});
