// The option `headers`: headers of each request, such as a token.
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';

import { client, environment, eventId, FakeRequest, openAlone, openTab, settle } from './environment.mjs';

const { SseClient } = client;

const sent = (request = FakeRequest.last) => Object.fromEntries(request.options.headers);

describe('the option headers', () => {
  for (const [what, headers] of [
    ['an object', { Authorization: 'Bearer 1' }],
    ['Headers', new Headers({ Authorization: 'Bearer 1' })],
  ]) {
    test(`sends ${what}`, () => {
      openAlone({ headers });
      assert.deepEqual(sent(), { accept: 'text/event-stream', authorization: 'Bearer 1' });
    });
  }

  for (const [what, make] of [
    ['a function', (count) => ({ Authorization: `Bearer ${count}` })],
    ['an asynchronous function', async (count) => ({ Authorization: `Bearer ${count}` })],
  ]) {
    test(`calls ${what} for each request`, async () => {
      let count = 0;
      openAlone({
        headers: () => {
          count += 1;
          return make(count);
        },
      });
      for (const number of [1, 2, 3]) {
        await settle();
        assert.equal(sent().authorization, `Bearer ${number}`);
        assert.equal(FakeRequest.all.length, number);
        await FakeRequest.last.open(eventId(1));
        await FakeRequest.last.end();
        await environment.clock.tick(1000);
      }
    });
  }

  for (const nothing of [undefined, null]) {
    test(`sends no others if the function returns ${nothing}`, async () => {
      openAlone({ headers: () => nothing });
      await settle();
      assert.deepEqual(sent(), { accept: 'text/event-stream' });
    });
  }

  for (const [what, fail] of [
    ['rejects', () => Promise.reject(new Error('the token is not refreshed'))],
    [
      'throws',
      () => {
        throw new Error('the token is not refreshed');
      },
    ],
    ['returns no headers', () => ({ 'not a name': '1' })],
  ]) {
    test(`counts as a failure if the function ${what}, and is called again later`, async () => {
      const unhandled = [];
      const listener = (error) => unhandled.push(error);
      process.on('unhandledRejection', listener);
      const warnings = [];
      mock.method(console, 'warn', (text, error) => warnings.push([text, error instanceof Error]));
      let calls = 0;
      const headers = () => {
        calls += 1;
        return calls < 3 ? fail() : { Authorization: 'Bearer 3' };
      };
      const tab = await openTab({ share: false, headers });
      assert.deepEqual([calls, FakeRequest.all.length, tab.sse.status], [1, 0, 'reconnecting']);
      await environment.clock.tick(1000);
      assert.equal(calls, 2);
      await environment.clock.tick(2000);
      assert.equal(sent().authorization, 'Bearer 3');
      await FakeRequest.last.open(eventId(1));
      assert.equal(tab.sse.status, 'open');
      assert.deepEqual(tab.errors, [
        [undefined, undefined, false],
        [undefined, undefined, false],
      ]);
      assert.deepEqual(warnings, [['sse.js: the function in the option `headers` failed:', true]]);
      process.off('unhandledRejection', listener);
      assert.deepEqual(unhandled, []);
    });
  }

  test('are waited for no longer than for a response', async () => {
    let calls = 0;
    const headers = () => {
      calls += 1;
      return new Promise(() => {});
    };
    openAlone({ headers });
    await environment.clock.tick(31_000);
    assert.equal(calls, 2);
  });

  test('that arrive after the client was closed cause no request', async () => {
    let resolve;
    const sse = openAlone({
      headers: () =>
        new Promise((done) => {
          resolve = done;
        }),
    });
    await settle();
    sse.close();
    resolve({});
    await settle();
    assert.equal(FakeRequest.all.length, 0);
  });

  test('throw an error at once if they cannot be sent', () => {
    for (const headers of [{ 'not a name': '1' }, { Authorization: 'two\nlines' }]) {
      assert.throws(() => openAlone({ headers }), TypeError);
    }
    assert.equal(FakeRequest.all.length, 0);
  });
});

describe('tabs with headers', () => {
  const headers = { Authorization: 'Bearer 1' };

  for (const share of [undefined, true, false, '']) {
    test(`do not share a connection with share: ${JSON.stringify(share)}`, async () => {
      const tabs = [await openTab({ headers, share }), await openTab({ headers, share }), await openTab()];
      assert.ok(tabs.every(({ sse }) => sse.leading));
      assert.equal(FakeRequest.allOpen.length, 3);
    });
  }

  test('share a connection if they name the user', async () => {
    const tabs = [];
    for (let count = 0; count < 2; count += 1) tabs.push(await openTab({ headers, share: 'user-1' }));
    assert.equal(FakeRequest.allOpen.length, 1);
    assert.equal(sent().authorization, 'Bearer 1');
    tabs[0].sse.close();
    await settle();
    assert.ok(tabs[1].sse.leading);
    assert.equal(sent().authorization, 'Bearer 1', 'each leader sends its own');
  });
});

test('a client without headers makes its first request at once', () => {
  new SseClient();
  const before = FakeRequest.all.length;
  openAlone();
  assert.equal(FakeRequest.all.length, before + 1);
});
