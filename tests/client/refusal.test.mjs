// What a client does when the server refuses the stream.
import assert from 'node:assert/strict';
import { beforeEach, describe, mock, test } from 'node:test';

import {
  collectValues,
  dispatchToWindow,
  environment,
  eventId,
  FakeRequest,
  openAlone,
  openTabs,
  pluck,
  settle,
} from './environment.mjs';

let warnings;

beforeEach(() => {
  warnings = [];
  mock.method(console, 'warn', (text) => warnings.push(text));
});

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

    test(`${status} is reported in the console, once until the answer changes`, async () => {
      const sse = openAlone({ events: ['order'] });
      for (const answer of [status, status, 500, status, status === 401 ? 403 : 401]) {
        await FakeRequest.last.respond(answer);
        if (answer === 500) await environment.clock.tick(1000);
        else sse.connect();
        await settle();
      }
      const expected = (answer) =>
        `sse.js: the stream /sse/stream answered ${answer}; the client has stopped. Run \`sse doctor http://page.test/sse/stream\`, or call connect() to try again.`;
      assert.deepEqual(warnings, [expected(status), expected(status === 401 ? 403 : 401)]);
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
      assert.deepEqual(warnings, []);
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

const show = (hidden = false) => {
  environment.document.hidden = hidden;
  environment.document.dispatchEvent(new Event('visibilitychange'));
};

describe('after 401 or 403', () => {
  for (const status of [401, 403]) {
    test(`the client tries again when the page becomes visible, once each time: ${status}`, async () => {
      const sse = openAlone();
      await FakeRequest.last.open(eventId(5));
      await FakeRequest.last.end();
      FakeRequest.answer = (request) => request.respond(status);
      await environment.clock.tick(1000);
      assert.deepEqual([sse.status, FakeRequest.all.length], ['closed', 2]);
      show(true);
      await environment.clock.tick(600_000);
      assert.equal(FakeRequest.all.length, 2, 'a hidden page does not');
      for (const count of [3, 4]) {
        show();
        await environment.clock.tick(600_000);
        assert.deepEqual([sse.status, FakeRequest.all.length], ['closed', count]);
      }
      assert.equal(warnings.length, 1);
      FakeRequest.answer = undefined;
      show();
      assert.equal(FakeRequest.last.query('last_event_id'), eventId(5));
      await FakeRequest.last.open(eventId(5));
      assert.equal(sse.status, 'open');
      show();
      assert.equal(FakeRequest.all.length, 5, 'an open stream is left alone');
    });
  }

  test('the client tries again when the page returns from the back/forward cache', async () => {
    const sse = openAlone();
    await FakeRequest.last.respond(401);
    dispatchToWindow('pagehide', { persisted: true });
    dispatchToWindow('pageshow', { persisted: false });
    assert.equal(FakeRequest.all.length, 1);
    dispatchToWindow('pageshow', { persisted: true });
    show();
    assert.equal(FakeRequest.all.length, 2, 'the browser dispatches both events');
    await FakeRequest.last.open(eventId(5));
    assert.equal(sse.status, 'open');
  });

  test('the client does not try again after close, and connect tries as before', async () => {
    const sse = openAlone();
    await FakeRequest.last.respond(401);
    sse.close();
    show();
    dispatchToWindow('pageshow', { persisted: true });
    assert.equal(FakeRequest.all.length, 1);
    sse.connect();
    await FakeRequest.last.open(eventId(1));
    assert.equal(sse.status, 'open');
  });

  test('a listener that calls connect at once keeps the listeners of the open client', async () => {
    const sse = openAlone();
    sse.once('sse.status', () => sse.connect());
    await FakeRequest.last.respond(401);
    await FakeRequest.last.open(eventId(1));
    assert.equal(sse.status, 'open');
    dispatchToWindow('pagehide', { persisted: true });
    assert.equal(FakeRequest.allOpen.length, 0);
  });

  test('all tabs of a connection stop, and return together', async () => {
    const tabs = await openTabs(3, 5);
    FakeRequest.answer = (request) => request.respond(401);
    await FakeRequest.last.end();
    await environment.clock.tick(60_000);
    assert.deepEqual(
      tabs.map(({ sse }) => sse.status),
      ['closed', 'closed', 'closed'],
    );
    assert.deepEqual(pluck(tabs, 'identityChanges'), [0, 0, 0]);
    FakeRequest.answer = undefined;
    show();
    await settle();
    await FakeRequest.last.open(eventId(5));
    assert.deepEqual(
      tabs.map(({ sse }) => sse.status),
      ['open', 'open', 'open'],
    );
    assert.equal(FakeRequest.allOpen.length, 1);
  });
});

for (const status of [204, 404, 410]) {
  test(`after ${status}, the client does not try again when the page becomes visible`, async () => {
    openAlone();
    await FakeRequest.last.respond(status);
    show();
    dispatchToWindow('pageshow', { persisted: true });
    assert.equal(FakeRequest.all.length, 1);
  });
}
