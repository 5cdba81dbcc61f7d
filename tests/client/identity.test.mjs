// Two users in one browser: the tabs share cookies and a connection, but no event of one user reaches a page of
// the other.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  countLeaders,
  dispatchToWindow,
  environment,
  eventId,
  FakeChannel,
  FakeRequest,
  openAlone,
  openTab,
  openWindow,
  pluck,
  settle,
} from './environment.mjs';

const [ANNE, BOB] = ['a', 'b'].map((letter) => letter.repeat(32));
const NOBODY = '';

/** The first block of a stream and an event, in one chunk. */
const beginning = (identity, number, value) =>
  [
    ': events a',
    ...(identity ? [`: identity ${identity}`] : []),
    `id: ${eventId(number)}\nevent: sse.heartbeat\ndata: 15\n`,
    `id: ${eventId(number + 1)}\nevent: a\ndata: {"timestamp":"","value":"${value}"}\n\n`,
  ].join('\n');

/** Anne's page is open and leads. Then Bob logs in, and his page opens. */
async function logInAsBob(first = ANNE, second = BOB) {
  const anne = await openTab();
  await FakeRequest.last.open(eventId(0), first);
  await FakeRequest.last.sendEvent('a', eventId(1), 'for Anne');
  const bob = await openTab();
  await FakeRequest.last.open();
  await FakeRequest.last.send(beginning(second, 1, 'for Bob'));
  return { anne, bob };
}

describe('after a login as another user', () => {
  for (const [change, first, second] of [
    ['from one user to another', ANNE, BOB],
    ['from nobody to a user', NOBODY, BOB],
    ['from a user to nobody', ANNE, NOBODY],
  ]) {
    test(`${change}, a leading page of the earlier user receives nothing more, and the new page everything`, async () => {
      const { anne, bob } = await logInAsBob(first, second);
      assert.deepEqual([anne.values, bob.values], [['for Anne'], ['for Bob']]);
      assert.deepEqual([anne.identityChanges, bob.identityChanges], [1, 0]);
      assert.deepEqual([anne.sse.status, anne.sse.readyState], ['closed', 2]);
      assert.equal(anne.sse.lastEventId, eventId(1), 'nor does its place move');
      // Bob's page takes the lead, and resumes.
      assert.ok(bob.sse.leading);
      assert.equal(FakeRequest.allOpen.length, 1);
      assert.equal(FakeRequest.last.query('last_event_id'), eventId(2));
      await FakeRequest.last.open(eventId(2), second);
      await FakeRequest.last.sendEvent('a', eventId(3), 'next');
      assert.deepEqual([anne.values, bob.values], [['for Anne'], ['for Bob', 'next']]);
      assert.deepEqual([anne.identityChanges, bob.gaps, bob.errors], [1, [], []]);
    });
  }

  test('all pages of the earlier user leave, and the new page leads', async () => {
    const pages = [];
    for (let count = 0; count < 4; count += 1) {
      pages.push(await openTab());
      await FakeRequest.last.open(eventId(0), ANNE);
    }
    const bob = await openTab();
    FakeRequest.answer = (request) => request.open(eventId(0), BOB);
    await FakeRequest.last.open(eventId(0), BOB);
    await environment.clock.tick(1000);
    await FakeRequest.last.sendEvent('a', eventId(1), 'for Bob');
    assert.deepEqual(pluck(pages, 'values'), [[], [], [], []]);
    assert.deepEqual(pluck(pages, 'identityChanges'), [1, 1, 1, 1]);
    assert.deepEqual([bob.values, bob.gaps], [['for Bob'], []]);
    assert.equal(countLeaders([...pages, bob]), 1);
    assert.equal(FakeRequest.allOpen.length, 1);
  });

  test('a page of the earlier user that returns follows for no event', async () => {
    const { anne, bob } = await logInAsBob();
    await FakeRequest.last.open(eventId(2), BOB);
    anne.sse.connect();
    await settle();
    assert.ok(bob.sse.leading && !anne.sse.leading);
    await FakeRequest.last.open();
    await FakeRequest.last.send(beginning(BOB, 2, 'next'));
    assert.deepEqual([anne.values, bob.values], [['for Anne'], ['for Bob', 'next']]);
    assert.deepEqual([anne.identityChanges, anne.sse.status], [2, 'closed']);
    assert.deepEqual([bob.identityChanges, bob.sse.status], [0, 'open']);
    assert.ok(bob.sse.leading);
  });

  test('and back, the page of the first user returns with connect, and the other leaves', async () => {
    const { anne, bob } = await logInAsBob();
    await FakeRequest.last.open(eventId(2), BOB);
    anne.sse.connect();
    await settle();
    await FakeRequest.last.open(eventId(1), ANNE);
    assert.deepEqual([bob.identityChanges, bob.sse.status], [1, 'closed']);
    assert.ok(anne.sse.leading);
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(1));
    await FakeRequest.last.open(eventId(1), ANNE);
    await FakeRequest.last.sendEvent('a', eventId(4), 'again');
    assert.deepEqual([anne.values, bob.values], [['for Anne', 'again'], ['for Bob']]);
    assert.equal(anne.identityChanges, 1);
  });

  test('a page with a connection of its own notices that when it reconnects', async () => {
    const anne = await openTab({ share: false });
    await FakeRequest.last.open(eventId(0), ANNE);
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    await FakeRequest.last.open();
    await FakeRequest.last.send(beginning(BOB, 0, 'for Bob'));
    assert.deepEqual([anne.values, anne.identityChanges, anne.sse.status], [[], 1, 'closed']);
    await environment.clock.tick(600_000);
    assert.equal(FakeRequest.allOpen.length, 0);
    assert.equal(FakeRequest.all.length, 2, 'it does not try again');
  });

  test('a page in the back/forward cache keeps its user, and notices the change when it is shown', async () => {
    const anne = await openTab();
    await FakeRequest.last.open(eventId(0), ANNE);
    const window = openWindow();
    window.dispatchEvent(Object.assign(new Event('pagehide'), { persisted: true }));
    const bob = await openTab();
    await FakeRequest.last.open(eventId(0), BOB);
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
    await settle();
    await FakeRequest.last.open();
    await FakeRequest.last.send(beginning(BOB, 0, 'for Bob'));
    assert.deepEqual([anne.values, anne.identityChanges, anne.sse.status], [[], 1, 'closed']);
    assert.deepEqual([bob.values, bob.identityChanges], [['for Bob'], 0]);
  });

  test('a page of the earlier user that connects again never seems to be open', async () => {
    for (const share of [true, false]) {
      const anne = await openTab({ share });
      await FakeRequest.last.open();
      await FakeRequest.last.send(beginning(ANNE, 0, 'for Anne'));
      anne.sse.close();
      anne.sse.connect();
      await settle();
      await FakeRequest.last.open();
      await FakeRequest.last.send(beginning(BOB, 1, 'for Bob'));
      assert.deepEqual(anne.statuses, ['open', 'closed', 'connecting', 'closed']);
      assert.deepEqual([anne.opened, anne.identityChanges], [1, 1]);
    }
  });

  test('a page of the same user that connects again is open as soon as it knows that', async () => {
    const anne = await openTab();
    await FakeRequest.last.open();
    assert.equal(anne.sse.status, 'open', 'the first connection decides whose page it is');
    await FakeRequest.last.send(beginning(ANNE, 0, 'for Anne'));
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    await FakeRequest.last.open();
    assert.deepEqual([anne.sse.readyState, anne.opened], [0, 1]);
    await FakeRequest.last.send(beginning(ANNE, 1, 'next'));
    assert.deepEqual([anne.sse.readyState, anne.opened, anne.values], [1, 2, ['for Anne', 'next']]);
  });

  test('a new page whose first block is lost with the leader has no gap', async () => {
    const anne = await openTab();
    await FakeRequest.last.open();
    await FakeRequest.last.send(beginning(ANNE, 0, 'for Anne'));
    const bob = await openTab();
    await FakeRequest.last.open();
    assert.equal(bob.sse.status, 'connecting', 'the connection may be of another user');
    anne.sse.close();
    await settle();
    await FakeRequest.last.open();
    await FakeRequest.last.send(beginning(BOB, 2, 'for Bob'));
    assert.deepEqual([bob.statuses, bob.gaps, bob.values], [['open'], [], ['for Bob']]);
  });

  test('a page learns of the change after it was closed', async () => {
    const anne = openAlone();
    const seen = [];
    anne.addEventListener('sse.identity-changed', (event) =>
      seen.push([anne.status, event.value, event.origin]),
    );
    await FakeRequest.last.open(eventId(0), ANNE);
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    await FakeRequest.last.open(eventId(0), BOB);
    assert.deepEqual(seen, [['closed', null, 'http://page.test']]);
    dispatchToWindow('pageshow', { persisted: true });
    environment.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(FakeRequest.all.length, 2);
  });
});

describe('before a page knows the identity of a connection', () => {
  test('it receives nothing, however the first block is cut', async () => {
    const anne = await openTab();
    await FakeRequest.last.open(eventId(0), ANNE);
    const names = [];
    anne.sse.on('sse.events', (list) => names.push(list));
    const bob = await openTab();
    const request = FakeRequest.last;
    await request.open();
    for (const letter of beginning(BOB, 0, 'for Bob')) if (request.isOpen) await request.send(letter);
    assert.deepEqual([anne.values, names, anne.identityChanges], [[], [], 1]);
    await FakeRequest.last.open(bob.sse.lastEventId, BOB);
    await FakeRequest.last.sendEvent('a', eventId(1), 'for Bob');
    assert.deepEqual([bob.values, bob.sse.events], [['for Bob'], ['a']]);
  });

  test('a message between tabs without an identity delivers nothing', async () => {
    await openTab();
    await FakeRequest.last.open(eventId(0), ANNE);
    const second = await openTab();
    await FakeRequest.last.open(eventId(0), ANNE);
    const spy = new FakeChannel(FakeChannel.first.name);
    let message;
    spy.onmessage = ({ data }) => {
      message = data;
    };
    await FakeRequest.last.sendEvent('a', eventId(1), 1);
    assert.equal(message.identity, ANNE);
    const { identity, ...unidentified } = message;
    const events = [{ name: 'a', data: '2', id: eventId(2) }];
    spy.postMessage({ ...unidentified, eventNames: 'b', events });
    await settle();
    assert.deepEqual([second.values, second.sse.events], [[1], []]);
    spy.postMessage({ ...unidentified, identity, events });
    await settle();
    assert.deepEqual(second.values, [1, 2]);
  });

  test('a new page that the leader has not noticed takes no part in an older connection', async () => {
    const anne = await openTab();
    await FakeRequest.last.open(eventId(0), ANNE);
    FakeChannel.first.dropsIncoming = true;
    const bob = await openTab({ lastEventId: eventId(0) });
    FakeChannel.first.dropsIncoming = false;
    await environment.clock.tick(20_000);
    await FakeRequest.last.send('event: sse.heartbeat\ndata: 15\n\n');
    // It asks the leader again.
    await environment.clock.tick(15_000);
    assert.equal(FakeRequest.all.length, 2);
    await FakeRequest.last.open();
    await FakeRequest.last.send(beginning(BOB, 1, 'for Bob'));
    assert.deepEqual([anne.values, bob.values], [[], ['for Bob']]);
    assert.deepEqual([anne.identityChanges, bob.identityChanges], [1, 0]);
  });
});

test('tabs with a version of the client that compares no identities have another channel and another lock', async () => {
  await openTab();
  assert.notEqual(
    FakeChannel.first.name,
    JSON.stringify(['sse', 'http://page.test/sse/stream', false, 'true']),
  );
});
