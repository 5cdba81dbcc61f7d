// How many requests a client makes while its connection is lost again and again.
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
  openTabs,
} from './environment.mjs';

const TABS = 12;

/** The requests made at once because of `cause`, and while this time passes. */
async function countRequests(time, cause = () => {}) {
  const before = FakeRequest.all.length;
  cause();
  await environment.clock.tick(time);
  return FakeRequest.all.length - before;
}

describe('a planned end', () => {
  const endAsPlanned = async () => {
    await FakeRequest.last.send(
      `: planned end\nretry: 1050\nid: ${eventId(1)}\nevent: sse.heartbeat\ndata: 15\n\n`,
    );
    await FakeRequest.last.end();
  };

  test('is followed by a request within a tenth of a second', async () => {
    openAlone();
    await FakeRequest.last.open(eventId(1));
    await environment.clock.tick(15_000);
    await endAsPlanned();
    assert.equal(await countRequests(100), 1);
  });

  test('of a server that then is down is followed by one such request, then by the usual delays', async () => {
    openAlone();
    await FakeRequest.last.open(eventId(1));
    await environment.clock.tick(15_000);
    await endAsPlanned();
    await environment.clock.tick(100);
    await FakeRequest.last.fail();
    assert.equal(await countRequests(1049), 0);
    assert.equal(await countRequests(1), 1);
  });

  test('is not announced by a comment of an earlier stream', async () => {
    openAlone();
    await FakeRequest.last.open(eventId(1));
    await environment.clock.tick(15_000);
    await endAsPlanned();
    await environment.clock.tick(100);
    await FakeRequest.last.open(eventId(1));
    await environment.clock.tick(15_000);
    await FakeRequest.last.end();
    assert.equal(await countRequests(1000), 0);
    assert.equal(await countRequests(50), 1);
  });
});

describe('a client makes at most one request per second', () => {
  const MINUTE_MS = 60_000;
  const MOST_PER_MINUTE = 61;

  for (const retry of [0, 1, 70]) {
    test(`if the server has named a retry delay of ${retry} ms and is down`, async () => {
      environment.random.mock.mockImplementation(() => 0);
      openAlone();
      await FakeRequest.last.open(eventId(0));
      await FakeRequest.last.send(`retry: ${retry}\n\n`);
      FakeRequest.answer = (request) => request.fail();
      await FakeRequest.last.fail();
      assert.ok((await countRequests(MINUTE_MS)) <= 10, 'the delays grow');
      assert.ok((await countRequests(MINUTE_MS)) <= 4, 'and stay long');
    });

    test(`if each stream ends at once and names a retry delay of ${retry} ms`, async () => {
      environment.random.mock.mockImplementation(() => 0);
      FakeRequest.answer = (request) => {
        request.open();
        request.send(`: planned end\nretry: ${retry}\nid: ${eventId(0)}\n\n`);
        request.end();
      };
      openAlone();
      const count = await countRequests(MINUTE_MS);
      assert.ok(count <= MOST_PER_MINUTE && count > 50, `${count}`);
    });
  }

  test('if the server asks to wait for less', async () => {
    environment.random.mock.mockImplementation(() => 0);
    FakeRequest.answer = (request) => request.respond(503, { 'retry-after': '0.01' });
    openAlone();
    assert.ok((await countRequests(MINUTE_MS)) <= MOST_PER_MINUTE);
  });
});

test('a clock that is set back delays no request', async () => {
  openAlone();
  await FakeRequest.last.open(eventId(0));
  environment.clock.sleep(-3_600_000);
  await FakeRequest.last.fail();
  assert.equal(await countRequests(1000), 1);
});

describe('the event online', () => {
  const goOnline = () => dispatchToWindow('online');

  test('causes one request for all tabs', async () => {
    await openTabs(TABS);
    assert.equal(await countRequests(10_000, goOnline), 1);
  });

  test('causes one request for all tabs, and retries after it, if the network is not ready', async () => {
    await openTabs(TABS);
    FakeRequest.answer = (request) => request.fail();
    // After 0, 1, 3 and 7 seconds.
    assert.equal(await countRequests(10_000, goOnline), 4);
  });

  test('makes the other tabs replace a leader that is frozen', async () => {
    const tabs = await openTabs(TABS);
    FakeChannel.first.isFrozen = true;
    goOnline();
    await environment.clock.tick(10_000);
    assert.equal(countLeaders(tabs), 1);
    assert.ok(!tabs[0].sse.leading);
  });
});

test('tabs that the leader does not serve cause no request while it waits for a retry', async () => {
  const [first] = await openTabs(1, 3);
  await FakeRequest.last.fail();
  FakeRequest.answer = (request) => request.respond(503);
  // They have no last event id, so none that could be compared with the leader's.
  for (let n = 1; n < TABS; n += 1) await openTab();
  await environment.clock.tick(120_000);
  assert.ok(first.sse.leading);
  // Every 30 seconds.
  assert.ok((await countRequests(300_000)) <= 10);
});
