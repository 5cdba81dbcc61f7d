// How tabs elect another leader, with fake locks and channels.
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
  pluck,
  settle,
} from './environment.mjs';

/** Joins the channel of the tabs, to record what they post and to post messages of its own. */
function openSpy() {
  const channel = new FakeChannel(FakeChannel.first.name);
  const posted = [];
  channel.onmessage = ({ data }) => posted.push(data);
  return { posted, last: () => posted.at(-1), post: (message) => channel.postMessage(message) };
}

/** An event as the leader posts it. */
const postedEvent = (number) => ({ name: 'a', data: `${number}`, id: eventId(number) });

describe('a frozen leader', () => {
  test('loses the lead because it is silent, and no event is lost or repeated', async () => {
    const tabs = await openTabs(3);
    const [leader, second, third] = tabs;
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    const old = FakeRequest.last;
    FakeChannel.first.isFrozen = true;
    await environment.clock.tick(40_000);
    const followers = [second, third];
    assert.equal(countLeaders(followers), 1);
    assert.equal(leader.sse.leading, false, 'it learns that its lock was stolen');
    assert.equal(old.isOpen, false);
    await FakeRequest.last.open(eventId(1));
    await FakeRequest.last.sendEvent('a', eventId(2), 2);
    assert.deepEqual(pluck(followers, 'values'), [
      [1, 2],
      [1, 2],
    ]);
  });

  test('that answers again in time keeps the lead', async () => {
    const [leader, second] = await openTabs(2);
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    FakeChannel.first.isFrozen = true;
    const tick = environment.clock.tick(40_000);
    FakeChannel.first.isFrozen = false;
    // The leader answers again, so no tab steals the lead.
    await tick;
    assert.ok(leader.sse.leading && !second.sse.leading);
  });

  test('is told apart from a leader that has no event to post', async () => {
    await openTabs(1);
    environment.document = Object.assign(new EventTarget(), {
      hidden: false,
      readyState: 'complete',
      baseURI: environment.document.baseURI,
    });
    globalThis.document = environment.document;
    const second = await openTab();
    await FakeRequest.last.open(eventId(0));
    environment.document.dispatchEvent(new Event('visibilitychange'));
    await environment.clock.tick(5000);
    assert.equal(second.sse.leading, false);
  });

  test('is ignored once another tab leads', async () => {
    const [, second] = await openTabs(2);
    const { post, last } = openSpy();
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    const { session, generation } = last();
    FakeChannel.first.dropsIncoming = true;
    post({ generation: generation + 1, leader: true });
    post({ generation, session, events: [postedEvent(2)], origin: '' });
    await settle();
    assert.deepEqual(second.values, [1]);
  });

  test('leads again when its turn in the queue comes', async () => {
    const [first, second] = await openTabs(2);
    const channel = FakeChannel.first;
    channel.isFrozen = true;
    await environment.clock.tick(40_000);
    channel.isFrozen = false;
    await FakeRequest.last.open(eventId(0));
    assert.ok(second.sse.leading);
    second.sse.close();
    await settle();
    assert.ok(first.sse.leading);
    await FakeRequest.last.open(eventId(0));
    assert.equal(first.sse.status, 'open');
  });

  test('is told apart from a server that does not answer', async () => {
    const tabs = await openTabs(2);
    await FakeRequest.last.fail();
    for (let n = 0; n < 20; n += 1) {
      await environment.clock.tick(30_000);
      if (FakeRequest.last.isOpen) await FakeRequest.last.respond(503);
    }
    assert.ok(tabs[0].sse.leading && !tabs[1].sse.leading);
  });

  test('loses the lead within five seconds when the user shows another tab', async () => {
    const [, second] = await openTabs(2);
    FakeChannel.first.isFrozen = true;
    environment.document.dispatchEvent(new Event('visibilitychange'));
    await environment.clock.tick(5000);
    assert.ok(second.sse.leading);
  });
});

describe('a generation', () => {
  test('grows with every new leader', async () => {
    const tabs = await openTabs(3);
    const { posted } = openSpy();
    for (const { sse } of tabs) {
      sse.close();
      await settle();
    }
    const generations = posted.filter(({ leader }) => leader).map(({ generation }) => generation);
    assert.equal(generations.length, 2);
    assert.ok(generations[1] > generations[0]);
  });

  test('that is newer makes a leader step down and release the lock', async () => {
    const tabs = await openTabs(3);
    const { posted, post } = openSpy();
    const old = FakeRequest.last;
    post({ generation: 7.5 });
    await settle();
    assert.equal(old.isOpen, false);
    assert.equal(countLeaders(tabs), 1);
    assert.equal(tabs[0].sse.leading, false);
    assert.ok(posted.find(({ leader }) => leader).generation >= 8);
    assert.equal(FakeRequest.allOpen.length, 1);
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    assert.deepEqual(pluck(tabs, 'values'), [[1], [1], [1]]);
  });

  test('that is too low is corrected by the other tabs', async () => {
    const [, second] = await openTabs(2);
    const { posted, post } = openSpy();
    post({ generation: 7.5, leader: true });
    await settle();
    assert.ok(second.sse.leading);
    posted.length = 0;
    post({ generation: 1.5, leader: true });
    await settle();
    assert.ok(posted.some(({ generation }) => generation > 7.5));
    assert.ok(second.sse.leading);
  });

  test('does not serve a tab whose last event id it confirms too late', async () => {
    const [, second] = await openTabs(2);
    const { posted, post, last } = openSpy();
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    FakeChannel.first.dropsIncoming = true;
    post({ generation: 7.5, leader: true });
    await settle();
    const { member, id } = last().join;
    assert.equal(id, eventId(1));
    const deliver = (session, number) =>
      post({ generation: 7.5, session, identity: '', events: [postedEvent(number)] });
    post({ generation: 7.5, session: 1, members: new Map([[member, '']]) });
    deliver(1, 9);
    post({ generation: 7.5, session: 2, members: new Map([[member, id]]) });
    deliver(2, 2);
    await settle();
    assert.deepEqual(second.values, [1, 2]);
    assert.equal(posted.filter(({ join }) => join).length, 1);
  });
});

test('a tab that the leader does not serve asks again, then takes the lead', async () => {
  const [, second] = await openTabs(2);
  const { posted, post, last } = openSpy();
  await FakeRequest.last.sendEvent('a', eventId(1), 1);
  const { generation } = last();
  FakeChannel.first.isFrozen = true;
  for (let count = 0; count < 4; count += 1) {
    // The leader works, but serves other tabs only.
    post({ generation, session: 99, events: [] });
    await environment.clock.tick(10_000);
  }
  assert.ok(posted.some(({ join }) => join?.id === eventId(1)));
  assert.ok(second.sse.leading);
});

test('follower tabs do not shorten the delay that the server requested', async () => {
  await openTabs(3);
  await FakeRequest.last.fail();
  await environment.clock.tick(1000);
  await FakeRequest.last.respond(503, { 'retry-after': '600' });
  const before = FakeRequest.all.length;
  await environment.clock.tick(599_000);
  assert.equal(FakeRequest.all.length, before);
});

describe('the last event id', () => {
  test('is unknown if the leader changes before the server named one, which is a gap', async () => {
    const first = await openTab();
    await FakeRequest.last.open(eventId(0));
    const second = await openTab();
    await FakeRequest.last.open();
    assert.equal(second.sse.status, 'open');
    first.sse.close();
    await settle();
    await FakeRequest.last.open(eventId(5));
    assert.deepEqual(second.gaps, ['connection-lost']);
  });

  test('of a newer journal than the leader knows is kept, so that no event is repeated', async () => {
    const [, second] = await openTabs(2, 5);
    const third = await openTab({ lastEventId: `${OTHER_EPOCH}-1` });
    await FakeRequest.last.open();
    await FakeRequest.last.send(`id: ${OTHER_EPOCH}-0\nevent: sse.gap\ndata: {"reason":"other-epoch"}\n\n`);
    for (const n of [1, 2]) await FakeRequest.last.sendEvent('a', `${OTHER_EPOCH}-${n}`, n);
    assert.deepEqual([second.values, third.values], [[1, 2], [2]]);
    assert.equal(third.gaps[0], 'other-epoch');
  });
});
