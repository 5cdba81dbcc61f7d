// What a client does when the server refuses the stream.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { collectValues, environment, eventId, FakeRequest, openAlone } from './environment.mjs';

describe('a refusal', () => {
  for (const status of [204, 401, 403, 404, 410]) {
    test(`${status} is final, and the error event has the reason`, async () => {
      const sse = openAlone();
      const seen = collectValues(sse, 'sse.status');
      const errors = [];
      sse.onerror = ({ status, body, final }) => errors.push([status, body, final]);
      await FakeRequest.last.respond(status, {}, status === 204 ? null : 'log in first');
      await environment.clock.tick(600_000);
      assert.deepEqual(errors, [[status, status === 204 ? '' : 'log in first', true]]);
      assert.deepEqual(seen, ['closed']);
      assert.equal(sse.readyState, sse.CLOSED);
      assert.equal(FakeRequest.all.length, 1);
    });
  }

  test('can be followed by connect, which resumes after the same id', async () => {
    const sse = openAlone();
    await FakeRequest.last.open(eventId(5));
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    await FakeRequest.last.respond(401);
    sse.connect();
    assert.equal(sse.status, 'connecting');
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(5));
    await FakeRequest.last.open(eventId(5));
    assert.equal(sse.status, 'open');
    sse.connect();
    assert.equal(FakeRequest.all.length, 3, 'connect does nothing while the stream is open');
  });

  for (const [status, type] of [
    [200, 'text/html'],
    [200, ''],
    [400, 'text/plain'],
    [500, 'text/plain'],
    [502, 'text/html'],
  ]) {
    test(`${status} with ${type || 'no type'} is retried`, async () => {
      const sse = openAlone();
      await FakeRequest.last.respond(status, type ? { 'content-type': type } : {}, new Uint8Array([60]));
      assert.equal(sse.status, 'reconnecting');
      await environment.clock.tick(1000);
      assert.equal(FakeRequest.all.length, 2);
    });
  }

  test('of any length reaches the page up to a limit', async () => {
    const sse = openAlone();
    let body;
    sse.onerror = (event) => {
      body = event.body;
    };
    await FakeRequest.last.respond(500, {}, 'x'.repeat(1_000_000));
    assert.equal(body.length, 4096);
  });
});
