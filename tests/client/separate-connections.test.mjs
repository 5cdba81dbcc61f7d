// Which tabs share no connection, and which requests are made anew.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  countLeaders,
  environment,
  eventId,
  FakeChannel,
  FakeRequest,
  openTab,
  openTabs,
} from './environment.mjs';

describe('tabs do not share', () => {
  for (const [name, firstOptions, secondOptions] of [
    ['if the option says so', { share: false }, { share: false }],
    ['if their names for the user differ', { share: 'user-1' }, { share: 'user-2' }],
    ['if only one of them names the user', { share: 'user-1' }, {}],
    ['if only one of them sends credentials', { withCredentials: true }, {}],
  ]) {
    test(name, async () => {
      const first = await openTab(firstOptions);
      await FakeRequest.last.open(eventId(0));
      const firstRequest = FakeRequest.last;
      const second = await openTab(secondOptions);
      await FakeRequest.last.open(eventId(0));
      assert.equal(FakeRequest.allOpen.length, 2);
      await firstRequest.sendEvent('a', eventId(1), 'first');
      assert.deepEqual([first.values, second.values], [['first'], []]);
      assert.ok(first.sse.leading && second.sse.leading);
    });
  }

  test('if their streams differ', async () => {
    await openTab();
    await openTab({}, '/sse/stream?tenant=7');
    assert.equal(FakeRequest.allOpen.length, 2);
  });

  test('without Web Locks, without BroadcastChannel, or if the browser denies locks', async () => {
    for (const removeApi of [
      () => {
        delete globalThis.navigator.locks;
      },
      () => {
        globalThis.navigator.locks = environment.locks;
        globalThis.BroadcastChannel = undefined;
      },
    ]) {
      removeApi();
      const before = FakeRequest.allOpen.length;
      const tabs = [await openTab(), await openTab()];
      assert.equal(FakeRequest.allOpen.length, before + 2);
      assert.equal(countLeaders(tabs), 2);
    }
    globalThis.BroadcastChannel = FakeChannel;
    globalThis.navigator.locks = {
      request: () => Promise.reject(new DOMException('opaque', 'SecurityError')),
    };
    const before = FakeRequest.allOpen.length;
    const tabs = [await openTab(), await openTab()];
    assert.equal(FakeRequest.allOpen.length, before + 2);
    for (const request of FakeRequest.allOpen.slice(before)) await request.open(eventId(0));
    assert.ok(
      tabs.every(({ sse }) => sse.leading && sse.status === 'open'),
      'each tab leads its own connection',
    );
  });
});

describe('a new page makes a new request, with the cookies of the current user', () => {
  test('so no tab continues to receive what an earlier user was allowed to', async () => {
    const [first] = await openTabs(1, 5);
    const old = FakeRequest.last;
    const second = await openTab({ lastEventId: eventId(5) });
    assert.notEqual(FakeRequest.last, old);
    assert.equal(old.isOpen, false);
    await FakeRequest.last.open(eventId(5));
    await FakeRequest.last.sendEvent('a', eventId(6), 'for the new user');
    assert.deepEqual([first.values, second.values], [['for the new user'], ['for the new user']]);
  });
});
