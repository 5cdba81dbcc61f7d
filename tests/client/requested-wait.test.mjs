// How tabs that share a connection respect `Retry-After` together.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  countLeaders,
  dispatchToWindow,
  environment,
  eventId,
  FakeRequest,
  openAlone,
  openTab,
  openTabs,
  settle,
} from './environment.mjs';

const SECONDS = 540;
const TABS = 12;

const show = () => environment.document.dispatchEvent(new Event('visibilitychange'));

/** The tabs' connection is lost, and the server asks to wait. */
async function refuse() {
  await FakeRequest.last.fail();
  await environment.clock.tick(1000);
  FakeRequest.answer = (request) => request.respond(503, { 'retry-after': `${SECONDS}` });
  await FakeRequest.last.respond(503, { 'retry-after': `${SECONDS}` });
  FakeRequest.all.length = 0;
}

async function assertNoRequest() {
  await environment.clock.tick((SECONDS - 10) * 1000);
  assert.equal(FakeRequest.all.length, 0);
}

/** The server asks for at least this time, and clients add a random quarter of it at most. */
async function assertOneRequestLater() {
  await environment.clock.tick(SECONDS * 250 + 10_000);
  assert.equal(FakeRequest.all.length, 1);
}

describe('no tab makes a request before the time that the server asked to wait is over', () => {
  test('however many tabs share the connection', async () => {
    await openTabs(TABS);
    await refuse();
    await assertNoRequest();
    await assertOneRequestLater();
  });

  test('if a tab opens meanwhile', async () => {
    await openTabs(1, 5);
    await refuse();
    const second = await openTab();
    await assertNoRequest();
    FakeRequest.answer = undefined;
    await assertOneRequestLater();
    await FakeRequest.last.open(eventId(5));
    assert.equal(second.sse.status, 'open');
  });

  test('if the leader is closed meanwhile', async () => {
    const tabs = await openTabs(3);
    await refuse();
    tabs[0].sse.close();
    await settle();
    assert.equal(countLeaders(tabs), 1);
    await assertNoRequest();
    await assertOneRequestLater();
  });

  test('if all tabs are closed and another opens', async () => {
    const tabs = await openTabs(2);
    await refuse();
    for (const { sse } of tabs) sse.close();
    await openTab();
    await assertNoRequest();
    await assertOneRequestLater();
  });

  test('if the tabs become visible, the network changes, or a page returns from the back/forward cache', async () => {
    await openTabs(TABS);
    await refuse();
    show();
    dispatchToWindow('online');
    await environment.clock.tick(10_000);
    dispatchToWindow('pagehide', { persisted: true });
    dispatchToWindow('pageshow', { persisted: true });
    await environment.clock.tick((SECONDS - 30) * 1000);
    assert.equal(FakeRequest.all.length, 0);
  });

  test('if it shares nothing', async () => {
    openAlone();
    await FakeRequest.last.respond(503, { 'retry-after': `${SECONDS}` });
    FakeRequest.all.length = 0;
    show();
    dispatchToWindow('online');
    await assertNoRequest();
  });

  test('if the browser denies the page access to localStorage', async () => {
    Object.defineProperty(globalThis, 'localStorage', {
      get() {
        throw new DOMException('denied', 'SecurityError');
      },
      configurable: true,
    });
    await openTabs(2);
    await refuse();
    await openTab();
    await assertNoRequest();
  });
});

describe('the time that the server asked to wait', () => {
  test('does not apply to tabs of another user, or to other streams', async () => {
    await openTabs(1);
    await refuse();
    await openTab({ share: 'another user' });
    await openTab({}, '/sse/stream?tenant=7');
    openAlone();
    await settle();
    assert.equal(FakeRequest.all.length, 3);
  });

  test('is over when connect is called, in any tab', async () => {
    const tabs = await openTabs(3);
    await refuse();
    for (const [index, { sse }] of tabs.entries()) {
      sse.connect();
      await settle();
      assert.equal(FakeRequest.all.length, index + 1);
    }
    tabs[1].sse.close();
    await environment.clock.tick(10_000);
    tabs[1].sse.connect();
    await settle();
    assert.equal(FakeRequest.all.length, 4);
    await environment.clock.tick(60_000);
    assert.equal(FakeRequest.all.length, 4);
  });

  test('is forgotten once a connection opens', async () => {
    const tabs = await openTabs(2);
    await refuse();
    FakeRequest.answer = undefined;
    tabs[1].sse.connect();
    await settle();
    await FakeRequest.last.open(eventId(0));
    await FakeRequest.last.fail();
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.all.length, 2);
  });

  test('is no longer than an hour, even if the clock was set back', async () => {
    await openTabs(2);
    await refuse();
    environment.clock.sleep(-24 * 3_600_000);
    show();
    await settle();
    assert.equal(FakeRequest.all.length, 1);
  });
});
