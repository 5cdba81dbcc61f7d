// Several tabs share one connection, with fake locks and channels.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  countLeaders,
  environment,
  eventId,
  FakeChannel,
  FakeRequest,
  OTHER_EPOCH,
  openTab,
  openTabs,
  openWindow,
  pluck,
  settle,
} from './environment.mjs';

test('all tabs receive every event once, over one connection', async () => {
  const tabs = await openTabs(12);
  assert.equal(
    FakeRequest.all[0].query('lookback'),
    null,
    'a client without an id is new, so lookback need not be requested',
  );
  assert.equal(FakeRequest.allOpen.length, 1);
  assert.equal(countLeaders(tabs), 1);
  await FakeRequest.last.sendEvent('a', eventId(1), 1);
  await FakeRequest.last.sendEvent('b', eventId(2), 2);
  assert.deepEqual(pluck(tabs, 'values'), Array(12).fill([1, 2]));
  assert.deepEqual(pluck(tabs, 'opened'), Array(12).fill(1));
  assert.deepEqual(pluck(tabs, 'errors'), Array(12).fill([]));
  assert.ok(tabs.every(({ sse }) => sse.status === 'open' && sse.lastEventId === eventId(2)));
});

test('a leader that closes is replaced by another tab, which resumes after the last event', async () => {
  let tabs = await openTabs(12);
  let number = 0;
  while (tabs.length > 1) {
    number += 1;
    await FakeRequest.last.sendEvent('a', eventId(number), number);
    const leader = tabs.find(({ sse }) => sse.leading);
    leader.sse.close();
    tabs = tabs.filter((tab) => tab !== leader);
    await settle();
    assert.equal(countLeaders(tabs), 1);
    assert.equal(FakeRequest.allOpen.length, 1);
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(number));
    await FakeRequest.last.open(eventId(number));
  }
  assert.deepEqual(
    tabs[0].values,
    Array.from({ length: 11 }, (_, n) => n + 1),
  );
  assert.deepEqual(tabs[0].statuses, ['open'], 'the status does not change');
});

test('a lost connection is lost for all tabs, and returns for all tabs', async () => {
  const tabs = await openTabs(3);
  await FakeRequest.last.fail();
  await environment.clock.tick(1000);
  await FakeRequest.last.respond(503, {}, 'busy');
  assert.deepEqual(
    pluck(tabs, 'errors'),
    Array(3).fill([
      [undefined, undefined, false],
      [503, 'busy', false],
    ]),
  );
  await environment.clock.tick(2000);
  await FakeRequest.last.open(eventId(0));
  assert.deepEqual(pluck(tabs, 'statuses'), Array(3).fill(['open', 'reconnecting', 'open']));
  await FakeRequest.last.sendEvent('a', eventId(1), 1);
  assert.deepEqual(pluck(tabs, 'values'), Array(3).fill([1]));
});

test('a refusal is final for all tabs, and a tab that opens later requests the stream again', async () => {
  const tabs = await openTabs(3);
  await FakeRequest.last.end();
  await environment.clock.tick(1000);
  await FakeRequest.last.respond(401, {}, 'log in');
  assert.deepEqual(
    pluck(tabs, 'errors').map((errors) => errors.at(-1)),
    Array(3).fill([401, 'log in', true]),
  );
  assert.ok(tabs.every(({ sse }) => sse.status === 'closed' && !sse.leading));
  assert.equal(environment.locks.holders(), 0);
  const later = await openTab();
  await FakeRequest.last.open(eventId(0));
  assert.equal(later.sse.status, 'open');
  tabs[1].sse.connect();
  await settle();
  await FakeRequest.last.open(eventId(0));
  assert.equal(tabs[1].sse.status, 'open');
  assert.equal(countLeaders([later, ...tabs]), 1);
});

/** Opens a tab whose messages the leader does not receive. */
function openTabUnnoticed(options) {
  FakeChannel.first.dropsIncoming = true;
  return openTab(options);
}

describe('a tab that joins', () => {
  test('as a new client also receives what was saved shortly before', async () => {
    const [first] = await openTabs(1, 3);
    await FakeRequest.last.sendEvent('a', eventId(4), 4);
    const second = await openTab();
    assert.equal(FakeRequest.allOpen.length, 1);
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(4));
    assert.equal(FakeRequest.last.query('lookback'), 'true');
    await FakeRequest.last.open(eventId(3));
    await FakeRequest.last.sendEvent('a', eventId(4), 4);
    await FakeRequest.last.sendEvent('a', eventId(5), 5);
    assert.deepEqual(
      [first.values, second.values],
      [
        [4, 5],
        [4, 5],
      ],
    );
    assert.equal(first.sse.lastEventId, eventId(5));
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.last.query('lookback'), null, 'lookback is requested once');
  });

  test('with a last event id receives what it missed, and the other tabs receive no event twice', async () => {
    const [first] = await openTabs(1);
    for (const n of [1, 2, 3]) await FakeRequest.last.sendEvent('a', eventId(n), n);
    const second = await openTab({ lastEventId: eventId(1) });
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(1));
    assert.equal(FakeRequest.last.query('lookback'), null);
    await FakeRequest.last.open(eventId(1));
    // Before the second tab has caught up, a third joins with a later id.
    await FakeRequest.last.sendEvent('a', eventId(2), 2);
    const third = await openTab({ lastEventId: eventId(3) });
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(2));
    await FakeRequest.last.open(eventId(2));
    for (const n of [3, 4]) await FakeRequest.last.sendEvent('a', eventId(n), n);
    assert.deepEqual([first.values, second.values, third.values], [[1, 2, 3, 4], [2, 3, 4], [4]]);
    assert.equal(first.sse.lastEventId, eventId(4));
  });

  test('receives nothing before a connection opens that starts at its last event id', async () => {
    const [first] = await openTabs(1);
    for (const n of [1, 2, 3]) await FakeRequest.last.sendEvent('a', eventId(n), n);
    const open = FakeRequest.last;
    const second = await openTabUnnoticed({ lastEventId: eventId(1) });
    await open.sendEvent('a', eventId(4), 4);
    assert.deepEqual([first.values, second.values], [[1, 2, 3, 4], []]);
  });

  test('with an id of another journal gets a gap, and the other tabs do not', async () => {
    const [first] = await openTabs(1, 5);
    const second = await openTab({ lastEventId: `${OTHER_EPOCH}-900` });
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(5));
    await FakeRequest.last.open(eventId(5));
    await FakeRequest.last.sendEvent('a', eventId(6), 6);
    assert.deepEqual([first.gaps, second.gaps], [[], ['other-epoch']]);
    assert.deepEqual([first.values, second.values], [[6], [6]]);
  });

  test('gets a gap that concerns this tab only', async () => {
    const [first] = await openTabs(1, 50);
    const second = await openTab({ lastEventId: eventId(10) });
    await FakeRequest.last.open(eventId(10));
    await FakeRequest.last.send(`id: ${eventId(40)}\nevent: sse.gap\ndata: {"reason":"swept"}\n\n`);
    await FakeRequest.last.sendEvent('a', eventId(51), 51);
    assert.deepEqual([first.gaps, second.gaps], [[], ['swept']]);
    assert.deepEqual([first.values, second.values], [[51], [51]]);
  });

  test('while the server is down causes a request at once', async () => {
    await openTabs(1);
    await FakeRequest.last.fail();
    const before = FakeRequest.all.length;
    const second = await openTab();
    assert.equal(FakeRequest.all.length, before + 1);
    await FakeRequest.last.open(eventId(0));
    assert.equal(second.sse.status, 'open');
  });
});

describe('tabs that ask for different events', () => {
  test('share a connection, and each tab receives what it asked for', async () => {
    const a = await openTab({ events: ['a'] });
    assert.equal(FakeRequest.last.query('events'), 'a');
    await FakeRequest.last.open(eventId(0));
    const b = await openTab({ events: ['b'] });
    assert.equal(FakeRequest.last.query('events'), null);
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    await FakeRequest.last.sendEvent('b', eventId(2), 2);
    await FakeRequest.last.sendEvent('c', eventId(3), 3);
    assert.deepEqual([a.values, b.values], [[1], [2]]);
    assert.equal(a.sse.lastEventId, eventId(3), 'an event that the tab did not ask for advances its id');
    b.sse.close();
    await settle();
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    assert.equal(
      FakeRequest.last.query('events'),
      'a',
      'the next request names the events of the remaining tabs only',
    );
  });

  test('still do so after the leader changes', async () => {
    const a = await openTab({ events: ['a'] });
    await FakeRequest.last.open(eventId(0));
    const b = await openTab({ events: ['b'] });
    await FakeRequest.last.open(eventId(0));
    const c = await openTab({ events: ['c'] });
    await FakeRequest.last.open(eventId(0));
    a.sse.close();
    await settle();
    await FakeRequest.last.open(eventId(0));
    assert.equal(FakeRequest.last.query('events'), null);
    await FakeRequest.last.sendEvent('b', eventId(1), 1);
    await FakeRequest.last.sendEvent('c', eventId(2), 2);
    assert.deepEqual([b.values, c.values], [[1], [2]]);
  });
});

test('a page in the back/forward cache gives up the lead, and returns as a follower', async () => {
  const first = await openTab();
  await FakeRequest.last.open(eventId(0));
  // Each tab has a window of its own.
  const window = openWindow();
  const second = await openTab();
  await FakeRequest.last.open(eventId(0));
  await FakeRequest.last.sendEvent('a', eventId(1), 1);
  window.dispatchEvent(Object.assign(new Event('pagehide'), { persisted: true }));
  await settle();
  assert.ok(second.sse.leading);
  await FakeRequest.last.open(eventId(1));
  await FakeRequest.last.sendEvent('a', eventId(2), 2);
  window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
  await settle();
  assert.equal(FakeRequest.last.query('last_event_id'), eventId(1));
  await FakeRequest.last.open(eventId(1));
  await FakeRequest.last.sendEvent('a', eventId(2), 2);
  await FakeRequest.last.sendEvent('a', eventId(3), 3);
  assert.deepEqual(
    [first.values, second.values],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  );
  assert.equal(FakeRequest.allOpen.length, 1);
});

test('sse.leading is dispatched when the leader changes', async () => {
  const first = await openTab();
  const changes = [];
  const second = await openTab();
  second.sse.on('sse.leading', (leading) => changes.push(leading));
  assert.deepEqual([first.sse.leading, second.sse.leading], [true, false]);
  first.sse.close();
  await settle();
  second.sse.close();
  assert.deepEqual(changes, [true, false]);
});
