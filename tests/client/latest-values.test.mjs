// The latest values, with which a page begins if it asks for them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  EPOCH,
  environment,
  eventId,
  FakeRequest,
  OTHER_EPOCH,
  openTab,
  openTabs,
  settle,
} from './environment.mjs';

const LATEST = { latest: true };
const heartbeat = (id) => `${id ? `id: ${id}\n` : ''}event: sse.heartbeat\ndata: 15\n\n`;
const event = (number, epoch = EPOCH) =>
  `id: ${epoch}-${number}\nevent: a\ndata: {"timestamp":"","value":${number}}\n\n`;

describe('a page that asks for the latest values', () => {
  test('requests them once, and resumes after the position of the stream', async () => {
    const tab = await openTab(LATEST);
    assert.equal(FakeRequest.last.query('latest'), 'true');
    await FakeRequest.last.open(eventId(100));
    for (const number of [5, 17, 100, 101]) await FakeRequest.last.send(event(number));
    assert.deepEqual(tab.values, [5, 17, 100, 101]);
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.last.query('latest'), null);
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(101));
  });

  test('may say so in the URL', async () => {
    const tab = await openTab({}, '/sse/stream?latest=true');
    assert.equal(FakeRequest.last.query('latest'), 'true');
    assert.equal(tab.sse.url, 'http://page.test/sse/stream');
  });

  test('receives them before the first heartbeat, too', async () => {
    const tab = await openTab({ ...LATEST, lastEventId: eventId(90) });
    await FakeRequest.last.open();
    for (const number of [5, 17]) await FakeRequest.last.send(event(number));
    assert.equal(tab.sse.lastEventId, eventId(90));
    await FakeRequest.last.send(heartbeat(eventId(90)));
    for (const number of [91, 92]) await FakeRequest.last.send(event(number));
    assert.deepEqual([tab.values, tab.sse.lastEventId], [[5, 17, 91, 92], eventId(92)]);
  });

  test('receives them after a heartbeat without an id', async () => {
    const tab = await openTab({ ...LATEST, lastEventId: eventId(90) });
    await FakeRequest.last.open();
    await FakeRequest.last.send(heartbeat());
    for (const number of [5, 17]) await FakeRequest.last.send(event(number));
    assert.equal(tab.sse.lastEventId, eventId(90));
    await FakeRequest.last.send(event(91));
    assert.deepEqual([tab.values, tab.sse.lastEventId], [[5, 17, 91], eventId(91)]);
  });

  test('has its own id in each event, and the position of the stream as its last event id', async () => {
    const tab = await openTab(LATEST);
    const ids = [];
    tab.sse.on('a', (_, { lastEventId }) => ids.push(lastEventId));
    await FakeRequest.last.open(eventId(100));
    await FakeRequest.last.send(event(5));
    assert.deepEqual([ids, tab.sse.lastEventId], [[eventId(5)], eventId(100)]);
  });

  test('requests them again if the connection is lost before they end, and receives none twice', async () => {
    const tab = await openTab(LATEST);
    await FakeRequest.last.open(eventId(100));
    for (const number of [5, 17]) await FakeRequest.last.send(event(number));
    await FakeRequest.last.fail();
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.last.query('latest'), 'true');
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(100));
    await FakeRequest.last.open(eventId(100));
    for (const number of [5, 17, 30, 101]) await FakeRequest.last.send(event(number));
    assert.deepEqual(tab.values, [5, 17, 30, 101]);
  });

  test('needs no more than a heartbeat to know that they have ended', async () => {
    await openTab(LATEST);
    await FakeRequest.last.open(eventId(100));
    await FakeRequest.last.send(event(5));
    await FakeRequest.last.send(heartbeat(eventId(100)));
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.last.query('latest'), null);
  });

  test('requests them again after a gap, at most once per second', async () => {
    const tab = await openTab(LATEST);
    await FakeRequest.last.open(eventId(100));
    for (const number of [5, 101]) await FakeRequest.last.send(event(number));
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    await FakeRequest.last.open();
    await FakeRequest.last.send(
      `id: ${eventId(500)}\nevent: sse.gap\ndata: {"reason":"swept"}\n\n${heartbeat(eventId(500))}`,
    );
    assert.equal(FakeRequest.all.length, 2);
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.all.length, 3);
    assert.equal(FakeRequest.last.query('latest'), 'true');
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(500));
    await FakeRequest.last.open(eventId(500));
    for (const number of [5, 101, 300, 501]) await FakeRequest.last.send(event(number));
    assert.deepEqual(tab.values, [5, 101, 300, 501], 'a value that it had before the gap is not repeated');
    assert.deepEqual([tab.gaps, tab.errors.length], [['swept'], 1]);
  });

  test('receives no event again as a latest value', async () => {
    const tab = await openTab(LATEST);
    await FakeRequest.last.open(eventId(100));
    // The newest value is at the position itself.
    await FakeRequest.last.send(event(100));
    await FakeRequest.last.send(heartbeat(eventId(100)));
    await FakeRequest.last.send(event(101));
    await openTab(LATEST);
    await FakeRequest.last.open(eventId(101));
    await FakeRequest.last.send(event(101));
    assert.deepEqual(tab.values, [100, 101]);
    await FakeRequest.last.send(
      `id: ${eventId(500)}\nevent: sse.gap\ndata: {"reason":"swept"}\n\n${event(501)}`,
    );
    await environment.clock.tick(1000);
    await FakeRequest.last.open(eventId(501));
    for (const number of [101, 400, 501, 502]) await FakeRequest.last.send(event(number));
    assert.deepEqual(tab.values, [100, 101, 501, 400, 502]);
  });

  test('does not request them again after a gap with which they arrive', async () => {
    const tab = await openTab({ ...LATEST, lastEventId: eventId(3) });
    await FakeRequest.last.open();
    await FakeRequest.last.send(
      `id: ${eventId(500)}\nevent: sse.gap\ndata: {"reason":"swept"}\n\n${heartbeat(eventId(500))}`,
    );
    for (const number of [5, 501]) await FakeRequest.last.send(event(number));
    assert.deepEqual(tab.values, [5, 501]);
    await environment.clock.tick(10_000);
    assert.equal(FakeRequest.all.length, 1);
  });

  test('receives those of another journal after the gap', async () => {
    const tab = await openTab(LATEST);
    await FakeRequest.last.open(eventId(100));
    await FakeRequest.last.send(event(101));
    await FakeRequest.last.send(`id: ${OTHER_EPOCH}-7\nevent: sse.gap\ndata: {"reason":"other-epoch"}\n\n`);
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.last.query('latest'), 'true');
    await FakeRequest.last.open(`${OTHER_EPOCH}-7`);
    for (const number of [2, 8]) await FakeRequest.last.send(event(number, OTHER_EPOCH));
    assert.deepEqual(tab.values, [101, 2, 8]);
  });
});

describe('a tab that joins and asks for the latest values', () => {
  /** The shared connection is at 100, and a second tab joins. */
  async function join(options) {
    const first = await openTab();
    await FakeRequest.last.open(eventId(100));
    const second = await openTab(options);
    return [first, second];
  }

  test('receives them, and the other tabs receive nothing twice', async () => {
    const [first, second] = await join(LATEST);
    const { last } = FakeRequest;
    assert.deepEqual(
      ['last_event_id', 'lookback', 'latest'].map((name) => last.query(name)),
      [eventId(100), 'true', 'true'],
    );
    await last.open(eventId(98));
    for (const number of [5, 98, 99, 100, 101]) await last.send(event(number));
    assert.deepEqual([first.values, second.values], [[101], [5, 98, 99, 100, 101]]);
    assert.deepEqual([first.sse.lastEventId, second.sse.lastEventId], [eventId(101), eventId(101)]);
  });

  test('does not move the connection back to them', async () => {
    const [first, second] = await join({ ...LATEST, lastEventId: eventId(100) });
    await FakeRequest.last.open(eventId(100));
    await FakeRequest.last.send(event(5));
    assert.deepEqual([first.values, second.values], [[], [5]]);
    await FakeRequest.last.fail();
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(100));
    first.sse.close();
    await settle();
    assert.ok(second.sse.leading);
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(100), 'nor does the next leader');
    assert.equal(FakeRequest.last.query('latest'), 'true');
  });

  test('receives also what is between the start of the stream and its own position', async () => {
    const first = await openTab({ lastEventId: eventId(80) });
    const second = await openTab({ ...LATEST, lastEventId: eventId(100) });
    const ids = [];
    second.sse.on('a', (_, { lastEventId }) => ids.push(lastEventId));
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(80));
    await FakeRequest.last.open(eventId(80));
    for (const number of [5, 90, 100, 101]) await FakeRequest.last.send(event(number));
    assert.deepEqual(
      [first.values, second.values],
      [
        [90, 100, 101],
        [5, 90, 100, 101],
      ],
    );
    assert.deepEqual(ids, [5, 90, 100, 101].map(eventId));
  });

  test('requests them from the next leader if it has not received them', async () => {
    const [first, third] = await openTabs(2, 100);
    const second = await openTab({ ...LATEST, lastEventId: eventId(100) });
    first.sse.close();
    await settle();
    assert.ok(third.sse.leading);
    assert.equal(FakeRequest.last.query('latest'), 'true');
    await FakeRequest.last.open(eventId(100));
    for (const number of [5, 101]) await FakeRequest.last.send(event(number));
    assert.deepEqual([third.values, second.values], [[101], [5, 101]]);
  });

  test('receives no older value from a connection that starts further back', async () => {
    const first = await openTab({ lastEventId: eventId(3) });
    await FakeRequest.last.open(eventId(3));
    await FakeRequest.last.send(event(8));
    const second = await openTab(LATEST);
    await FakeRequest.last.open();
    for (const number of [5, 7]) await FakeRequest.last.send(event(number));
    await openTab({ lastEventId: eventId(3) });
    await FakeRequest.last.open(eventId(3));
    for (const number of [2, 4, 5, 7, 8, 9]) await FakeRequest.last.send(event(number));
    assert.deepEqual(
      [first.values, second.values],
      [
        [8, 9],
        [5, 7, 8, 9],
      ],
    );
  });

  test('waits for them while the server looks up a position', async () => {
    const [first, second] = await join({ ...LATEST, lastEventId: eventId(100) });
    await FakeRequest.last.open();
    for (let count = 0; count < 3; count += 1) await FakeRequest.last.send(heartbeat());
    await FakeRequest.last.send(event(5));
    assert.deepEqual([first.values, second.values], [[], [5]]);
    assert.equal(second.sse.lastEventId, eventId(100));
    await FakeRequest.last.fail();
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.last.query('latest'), 'true');
  });

  test('asks for no more events than before', async () => {
    const first = await openTab({ events: ['a'] });
    await FakeRequest.last.open(eventId(100));
    const second = await openTab({ ...LATEST, events: ['b'] });
    await FakeRequest.last.open(eventId(100));
    await FakeRequest.last.sendEvent('a', eventId(5), 'a');
    await FakeRequest.last.sendEvent('b', eventId(6), 'b');
    assert.deepEqual([first.values, second.values], [[], ['b']]);
  });
});
