// How tabs change their leader, on simulated locks and channels.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { at, Channel, each, leaders, OTHER, Request, settled, tab, tabs, world } from './world.mjs';

/** Another end of the tabs' channel, which sees what they post. */
function spy() {
  const channel = new Channel([...Channel.all][0].name);
  const seen = [];
  channel.onmessage = ({ data }) => seen.push(data);
  return { seen, last: () => seen.at(-1), post: (message) => channel.postMessage(message) };
}

describe('a leader that is frozen', () => {
  test('is found out by its silence, and loses the lead without loss or repetition', async () => {
    const all = await tabs(3);
    const [leader, second, third] = all;
    await Request.last.event('a', at(1), 1);
    const old = Request.last;
    const channel = [...Channel.all][0];
    channel.isFrozen = true;
    // What it emits does not reach anybody either.
    channel.postMessage = () => {};
    await world.clock.tick(40_000);
    const followers = [second, third];
    assert.equal(leaders(followers), 1);
    assert.equal(leader.sse.leading, false, 'the theft has told it');
    assert.equal(old.isOpen, false);
    await Request.last.opens(at(1));
    await Request.last.event('a', at(2), 2);
    assert.deepEqual(each(followers, 'values'), [[1, 2], [1, 2]]);
  });

  test('that wakes up follows', async () => {
    const [leader, second] = await tabs(2);
    await Request.last.event('a', at(1), 1);
    const channel = [...Channel.all][0];
    channel.isFrozen = true;
    const { postMessage } = channel;
    channel.postMessage = () => {};
    const tick = world.clock.tick(40_000);
    channel.isFrozen = false;
    channel.postMessage = postMessage;
    // It answers again, so that nothing is stolen from it.
    await tick;
    assert.ok(leader.sse.leading && !second.sse.leading);
  });

  test('is not mistaken for one that has nothing to say', async () => {
    await tabs(1);
    world.document = Object.assign(new EventTarget(), { hidden: false, baseURI: world.document.baseURI });
    globalThis.document = world.document;
    const second = await tab();
    await Request.last.opens(at(0));
    world.document.dispatchEvent(new Event('visibilitychange'));
    await world.clock.tick(5000);
    assert.equal(second.sse.leading, false);
  });

  test('is not listened to any more when another leads', async () => {
    const [, second] = await tabs(2);
    const { post, last } = spy();
    await Request.last.event('a', at(1), 1);
    const { run, generation } = last();
    [...Channel.all][0].isFrozen = true;
    post({ generation: generation + 1, who: true });
    post({ generation, run, events: [{ name: 'a', data: '2', id: at(2) }], origin: '' });
    await settled();
    assert.deepEqual(second.values, [1]);
  });

  test('leads again when its turn comes', async () => {
    const [first, second] = await tabs(2);
    const channel = [...Channel.all][0];
    const { postMessage } = channel;
    Object.assign(channel, { isFrozen: true, postMessage: () => {} });
    await world.clock.tick(40_000);
    Object.assign(channel, { isFrozen: false, postMessage });
    await Request.last.opens(at(0));
    assert.ok(second.sse.leading);
    second.sse.close();
    await settled();
    assert.ok(first.sse.leading);
    await Request.last.opens(at(0));
    assert.equal(first.sse.status, 'open');
  });

  test('is not mistaken for a server that is away', async () => {
    const all = await tabs(2);
    await Request.last.breaks();
    for (let n = 0; n < 20; n += 1) {
      await world.clock.tick(30_000);
      if (Request.last.isOpen) await Request.last.answers(503);
    }
    assert.ok(all[0].sse.leading && !all[1].sse.leading);
  });

  test('is found out at once by who looks at another tab', async () => {
    const [, second] = await tabs(2);
    const channel = [...Channel.all][0];
    Object.assign(channel, { isFrozen: true, postMessage: () => {} });
    world.document.dispatchEvent(new Event('visibilitychange'));
    await world.clock.tick(5000);
    assert.ok(second.sse.leading);
  });
});

describe('generations', () => {
  test('grow with every leader', async () => {
    const all = await tabs(3);
    const { seen } = spy();
    for (const { sse } of all) {
      sse.close();
      await settled();
    }
    const generations = seen.filter(({ who }) => who).map(({ generation }) => generation);
    assert.equal(generations.length, 2);
    assert.ok(generations[1] > generations[0]);
  });

  test('make a leader that hears of a newer one step down, and free the lock', async () => {
    const all = await tabs(3);
    const { seen, post } = spy();
    const old = Request.last;
    post({ generation: 7.5 });
    await settled();
    assert.equal(old.isOpen, false);
    assert.equal(leaders(all), 1);
    assert.equal(all[0].sse.leading, false);
    assert.ok(seen.find(({ who }) => who).generation >= 8);
    assert.equal(Request.open.length, 1);
    await Request.last.opens(at(0));
    await Request.last.event('a', at(1), 1);
    assert.deepEqual(each(all, 'values'), [[1], [1], [1]]);
  });

  test('of a new leader that knows less than the others are corrected', async () => {
    const [, second] = await tabs(2);
    const { seen, post } = spy();
    post({ generation: 7.5, who: true });
    await settled();
    assert.ok(second.sse.leading);
    seen.length = 0;
    post({ generation: 1.5, who: true });
    await settled();
    assert.ok(seen.some(({ generation }) => generation > 7.5));
    assert.ok(second.sse.leading);
  });

  test('do not let a tab accept an answer to an older place', async () => {
    const [, second] = await tabs(2);
    const { seen, post, last } = spy();
    await Request.last.event('a', at(1), 1);
    [...Channel.all][0].isFrozen = true;
    post({ generation: 7.5, who: true });
    await settled();
    const { client, id } = last().join;
    assert.equal(id, at(1));
    const deliver = (run, value) => post({ generation: 7.5, run, events: [{ name: 'a', data: `${value}`, id: at(value) }] });
    post({ generation: 7.5, run: 1, clients: new Map([[client, '']]) });
    deliver(1, 9);
    post({ generation: 7.5, run: 2, clients: new Map([[client, id]]) });
    deliver(2, 2);
    await settled();
    assert.deepEqual(second.values, [1, 2]);
    assert.equal(seen.filter(({ join }) => join).length, 1);
  });
});

test('a tab that its leader does not serve asks again, and then takes the lead', async () => {
  const [, second] = await tabs(2);
  const { seen, post, last } = spy();
  await Request.last.event('a', at(1), 1);
  const { generation } = last();
  Object.assign([...Channel.all][0], { isFrozen: true, postMessage: () => {} });
  for (let count = 0; count < 4; count += 1) {
    // The leader is there, but serves others.
    post({ generation, run: 99, events: [] });
    await world.clock.tick(10_000);
  }
  assert.ok(seen.some(({ join }) => join?.id === at(1)));
  assert.ok(second.sse.leading);
});

test('the other tabs do not shorten the wait that a server asked for', async () => {
  await tabs(3);
  await Request.last.breaks();
  await world.clock.tick(1000);
  await Request.last.answers(503, { 'retry-after': '600' });
  const before = Request.all.length;
  await world.clock.tick(599_000);
  assert.equal(Request.all.length, before);
});

describe('a place', () => {
  test('that a stream had not named before the leader changed is a gap', async () => {
    const first = await tab();
    await Request.last.opens(at(0));
    const second = await tab();
    await Request.last.opens();
    assert.equal(second.sse.status, 'open');
    first.sse.close();
    await settled();
    await Request.last.opens(at(5));
    assert.deepEqual(second.gaps, ['connection-lost']);
  });

  test('in a newer journal than the leader knows is kept, so that nothing is repeated', async () => {
    const [, second] = await tabs(2, 5);
    const third = await tab({ lastEventId: `${OTHER}-1` });
    await Request.last.opens();
    await Request.last.sends(`id: ${OTHER}-0\nevent: sse.gap\ndata: {"reason":"other-epoch"}\n\n`);
    for (const n of [1, 2]) await Request.last.event('a', `${OTHER}-${n}`, n);
    assert.deepEqual([second.values, third.values], [[1, 2], [2]]);
    assert.equal(third.gaps[0], 'other-epoch');
  });
});
