// Several tabs with one connection, on pretended locks and channels.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { at, Channel, client, each, leaders, OTHER, Request, settled, tab, tabs, world } from './world.mjs';

const { SseClient } = client;

test('all tabs hear every event once, over one connection', async () => {
  const all = await tabs(12);
  assert.equal(Request.all[0].query('lookback'), null, 'who brings no id is new without saying so');
  assert.equal(Request.open.length, 1);
  assert.equal(leaders(all), 1);
  await Request.last.event('a', at(1), 1);
  await Request.last.event('b', at(2), 2);
  assert.deepEqual(each(all, 'values'), Array(12).fill([1, 2]));
  assert.deepEqual(each(all, 'opened'), Array(12).fill(1));
  assert.deepEqual(each(all, 'errors'), Array(12).fill([]));
  assert.ok(all.every(({ sse }) => sse.status === 'open' && sse.lastEventId === at(2)));
});

test('a leader that leaves is followed by another, which goes on where it was', async () => {
  let all = await tabs(12);
  let number = 0;
  while (all.length > 1) {
    await Request.last.event('a', at((number += 1)), number);
    const leader = all.find(({ sse }) => sse.leading);
    leader.sse.close();
    all = all.filter((one) => one !== leader);
    await settled();
    assert.equal(leaders(all), 1);
    assert.equal(Request.open.length, 1);
    assert.equal(Request.last.query('last_event_id'), at(number));
    await Request.last.opens(at(number));
  }
  assert.deepEqual(all[0].values, Array.from({ length: 11 }, (_, n) => n + 1));
  assert.deepEqual(all[0].statuses, ['open'], 'nobody sees the change');
});

test('a connection that is lost is lost for all, and comes back for all', async () => {
  const all = await tabs(3);
  await Request.last.breaks();
  await world.clock.tick(1000);
  await Request.last.answers(503, {}, 'busy');
  assert.deepEqual(each(all, 'errors'), Array(3).fill([[undefined, undefined, false], [503, 'busy', false]]));
  await world.clock.tick(2000);
  await Request.last.opens(at(0));
  assert.deepEqual(each(all, 'statuses'), Array(3).fill(['open', 'reconnecting', 'open']));
  await Request.last.event('a', at(1), 1);
  assert.deepEqual(each(all, 'values'), Array(3).fill([1]));
});

test('a refusal is final for all, and who comes later asks anew', async () => {
  const all = await tabs(3);
  await Request.last.ends();
  await world.clock.tick(1000);
  await Request.last.answers(401, {}, 'log in');
  assert.deepEqual(each(all, 'errors').map((errors) => errors.at(-1)), Array(3).fill([401, 'log in', true]));
  assert.ok(all.every(({ sse }) => sse.status === 'closed' && !sse.leading));
  assert.equal(world.locks.holders(), 0);
  const later = await tab();
  await Request.last.opens(at(0));
  assert.equal(later.sse.status, 'open');
  all[1].sse.connect();
  await settled();
  await Request.last.opens(at(0));
  assert.equal(all[1].sse.status, 'open');
  assert.equal(leaders([later, ...all]), 1);
});

describe('a tab that comes', () => {
  test('new is also told what was saved in the moments before', async () => {
    const [first] = await tabs(1, 3);
    await Request.last.event('a', at(4), 4);
    const second = await tab();
    assert.equal(Request.open.length, 1);
    assert.equal(Request.last.query('last_event_id'), at(4));
    assert.equal(Request.last.query('lookback'), 'true');
    await Request.last.opens(at(3));
    await Request.last.event('a', at(4), 4);
    await Request.last.event('a', at(5), 5);
    assert.deepEqual([first.values, second.values], [[4, 5], [4, 5]]);
    assert.equal(first.sse.lastEventId, at(5));
    await Request.last.ends();
    await world.clock.tick(1000);
    assert.equal(Request.last.query('lookback'), null, 'once is enough');
  });

  test('from another page of the stream gets what it has missed, and the others nothing twice', async () => {
    const [first] = await tabs(1);
    for (const n of [1, 2, 3]) await Request.last.event('a', at(n), n);
    const second = await tab({ lastEventId: at(1) });
    assert.equal(Request.last.query('last_event_id'), at(1));
    assert.equal(Request.last.query('lookback'), null);
    await Request.last.opens(at(1));
    // It is not even through when a third comes, which is further than that.
    await Request.last.event('a', at(2), 2);
    const third = await tab({ lastEventId: at(3) });
    assert.equal(Request.last.query('last_event_id'), at(2));
    await Request.last.opens(at(2));
    for (const n of [3, 4]) await Request.last.event('a', at(n), n);
    assert.deepEqual([first.values, second.values, third.values], [[1, 2, 3, 4], [2, 3, 4], [4]]);
    assert.equal(first.sse.lastEventId, at(4));
  });

  test('hears nothing before the connection is there that begins at its place', async () => {
    const [first] = await tabs(1);
    for (const n of [1, 2, 3]) await Request.last.event('a', at(n), n);
    const open = Request.last;
    const hidden = Channel.all.values().next().value;
    const second = new SseClient('/sse/stream', { resume: false, lastEventId: at(1) });
    const values = [];
    second.on('*', (value) => values.push(value));
    // The leader has not heard of it when the next event comes.
    hidden.isFrozen = true;
    await open.event('a', at(4), 4);
    assert.deepEqual([first.values, values], [[1, 2, 3, 4], []]);
  });

  test('with a place in another journal is told that it may have missed something, and the others are not', async () => {
    const [first] = await tabs(1, 5);
    const second = await tab({ lastEventId: `${OTHER}-900` });
    assert.equal(Request.last.query('last_event_id'), at(5));
    await Request.last.opens(at(5));
    await Request.last.event('a', at(6), 6);
    assert.deepEqual([first.gaps, second.gaps], [[], ['other-epoch']]);
    assert.deepEqual([first.values, second.values], [[6], [6]]);
  });

  test('is told of a gap that only it has', async () => {
    const [first] = await tabs(1, 50);
    const second = await tab({ lastEventId: at(10) });
    await Request.last.opens(at(10));
    await Request.last.sends(`id: ${at(40)}\nevent: sse.gap\ndata: {"reason":"swept"}\n\n`);
    await Request.last.event('a', at(51), 51);
    assert.deepEqual([first.gaps, second.gaps], [[], ['swept']]);
    assert.deepEqual([first.values, second.values], [[51], [51]]);
  });

  test('while the server is away is tried at once', async () => {
    await tabs(1);
    await Request.last.breaks();
    const before = Request.all.length;
    const second = await tab();
    assert.equal(Request.all.length, before + 1);
    await Request.last.opens(at(0));
    assert.equal(second.sse.status, 'open');
  });
});

describe('tabs that ask for different events', () => {
  test('share, and hear what they asked for', async () => {
    const a = await tab({ events: ['a'] });
    assert.equal(Request.last.query('events'), 'a');
    await Request.last.opens(at(0));
    const b = await tab({ events: ['b'] });
    assert.equal(Request.last.query('events'), null);
    await Request.last.opens(at(0));
    await Request.last.event('a', at(1), 1);
    await Request.last.event('b', at(2), 2);
    await Request.last.event('c', at(3), 3);
    assert.deepEqual([a.values, b.values], [[1], [2]]);
    assert.equal(a.sse.lastEventId, at(3), 'what is not for it, it has not missed');
    b.sse.close();
    await settled();
    await Request.last.ends();
    await world.clock.tick(1000);
    assert.equal(Request.last.query('events'), 'a', 'who is left asks for less');
  });

  test('still do when the lead changes', async () => {
    const a = await tab({ events: ['a'] });
    await Request.last.opens(at(0));
    const b = await tab({ events: ['b'] });
    await Request.last.opens(at(0));
    const c = await tab({ events: ['c'] });
    await Request.last.opens(at(0));
    a.sse.close();
    await settled();
    await Request.last.opens(at(0));
    assert.equal(Request.last.query('events'), null);
    await Request.last.event('b', at(1), 1);
    await Request.last.event('c', at(2), 2);
    assert.deepEqual([b.values, c.values], [[1], [2]]);
  });
});

describe('tabs do not share', () => {
  for (const [why, one, other] of [
    ['when they are told not to', { share: false }, { share: false }],
    ['across the names of who listens', { share: 'user-1' }, { share: 'user-2' }],
    ['with who is not named', { share: 'user-1' }, {}],
    ['with and without credentials', { withCredentials: true }, {}],
  ]) {
    test(why, async () => {
      const first = await tab(one);
      await Request.last.opens(at(0));
      const hers = Request.last;
      const second = await tab(other);
      await Request.last.opens(at(0));
      assert.equal(Request.open.length, 2);
      await hers.event('a', at(1), 'hers');
      assert.deepEqual([first.values, second.values], [['hers'], []]);
      assert.ok(first.sse.leading && second.sse.leading);
    });
  }

  test('across streams', async () => {
    await tab();
    await tab({}, '/sse/stream?tenant=7');
    assert.equal(Request.open.length, 2);
  });

  test('without Web Locks, without BroadcastChannel, or where pages get no lock', async () => {
    for (const take of [
      () => { delete globalThis.navigator.locks; },
      () => { globalThis.navigator.locks = world.locks; globalThis.BroadcastChannel = undefined; },
    ]) {
      take();
      const before = Request.open.length;
      const all = [await tab(), await tab()];
      assert.equal(Request.open.length, before + 2);
      assert.equal(leaders(all), 2);
    }
    globalThis.BroadcastChannel = Channel;
    globalThis.navigator.locks = { request: () => Promise.reject(new DOMException('opaque', 'SecurityError')) };
    const before = Request.open.length;
    const all = [await tab(), await tab()];
    assert.equal(Request.open.length, before + 2);
    for (const request of Request.open.slice(before)) await request.opens(at(0));
    assert.ok(all.every(({ sse }) => sse.leading && sse.status === 'open'), 'neither takes the other for a leader');
  });
});

describe('a new page shows the server who is logged in', () => {
  test('so that nobody goes on hearing what an earlier visitor might', async () => {
    const [first] = await tabs(1, 5);
    const old = Request.last;
    const second = await tab({ lastEventId: at(5) });
    assert.notEqual(Request.last, old);
    assert.equal(old.isOpen, false);
    await Request.last.opens(at(5));
    await Request.last.event('a', at(6), 'for the new visitor');
    assert.deepEqual([first.values, second.values], [['for the new visitor'], ['for the new visitor']]);
  });
});

test('a tab that the browser keeps gives up the lead, and comes back as one of the others', async () => {
  const first = await tab();
  await Request.last.opens(at(0));
  const { window } = world;
  world.window = new EventTarget();
  globalThis.addEventListener = world.window.addEventListener.bind(world.window);
  const second = await tab();
  await Request.last.opens(at(0));
  await Request.last.event('a', at(1), 1);
  window.dispatchEvent(Object.assign(new Event('pagehide'), { persisted: true }));
  await settled();
  assert.ok(second.sse.leading);
  await Request.last.opens(at(1));
  await Request.last.event('a', at(2), 2);
  window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
  await settled();
  assert.equal(Request.last.query('last_event_id'), at(1));
  await Request.last.opens(at(1));
  await Request.last.event('a', at(2), 2);
  await Request.last.event('a', at(3), 3);
  assert.deepEqual([first.values, second.values], [[1, 2, 3], [1, 2, 3]]);
  assert.equal(Request.open.length, 1);
});

test('who leads is said', async () => {
  const first = await tab();
  const said = [];
  const second = await tab();
  second.sse.on('sse.leading', (leading) => said.push(leading));
  assert.deepEqual([first.sse.leading, second.sse.leading], [true, false]);
  first.sse.close();
  await settled();
  second.sse.close();
  assert.deepEqual(said, [true, false]);
});
