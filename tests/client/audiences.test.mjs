// The option `to`: the audiences that a page asks for.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { client, environment, eventId, FakeRequest, openAlone, openTab, settle } from './environment.mjs';

const { SseClient } = client;

describe('the option to', () => {
  test('is part of the URL and of each request, sorted and without duplicates', async () => {
    const sse = openAlone({ to: ['order:42', 'order:7', 'order:42'], events: ['a'] });
    assert.equal(FakeRequest.last.query('to'), 'order:42,order:7');
    assert.equal(sse.url, 'http://page.test/sse/stream?to=order%3A42%2Corder%3A7&events=a');
    await FakeRequest.last.open(eventId(1));
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    assert.equal(FakeRequest.last.query('to'), 'order:42,order:7');
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(1));
  });

  for (const [name, address, to, expected] of [
    ['may be one name', '/sse/stream', 'order:42', 'order:42'],
    ['may be in the URL', '/sse/stream?to=b,a', undefined, 'a,b'],
    ['may be in both', '/sse/stream?to=c,a', ['b', 'a'], 'a,b,c'],
    ['asks for nothing if it is empty', '/sse/stream', [], null],
    ['asks for nothing if it is undefined', '/sse/stream', undefined, null],
    ['takes a hundred names', '/sse/stream', Array.from({ length: 100 }, (_, n) => `n${100 + n}`), undefined],
    ['takes 200 bytes, spaces and letters of any script', '/sse/stream', ['ü'.repeat(100), 'a b'], undefined],
  ]) {
    test(name, () => {
      new SseClient(address, { share: false, to });
      const sorted = expected === undefined ? [...to].sort().join() : expected;
      assert.equal(FakeRequest.last.query('to'), sorted);
    });
  }

  for (const [what, to, shown] of [
    ['a comma', 'a,b', '"a,b"'],
    ['the name *', '*', '"*"'],
    ['a *', ['a', 'order:*'], '"order:*"'],
    ['an empty name', '', '""'],
    ['an empty name among others', ['a', ''], '""'],
    ['a space at an end', ' a', '" a"'],
    ['a control character', 'a\nb', '"a\\nb"'],
    ['a character that changes the direction of text', 'a\u202eb', '"a\u202eb"'],
    ['201 bytes', 'ü'.repeat(101), `"${'ü'.repeat(101)}"`],
    ['a number', 42, 'number'],
    ['a list in a list', [['a']], 'object'],
    ['a set', new Set(['a']), 'object'],
    ['null in a list', [null], 'object'],
    ['undefined in a list', [undefined], 'undefined'],
  ]) {
    test(`throws an error that says what to do: ${what}`, () => {
      assert.throws(() => openAlone({ to }), {
        name: 'TypeError',
        message: `sse.js: the option \`to\` contains ${shown}, which is not an audience name: pass a text such as "order:42" of at most 200 bytes, without "*", ",", control characters and white space at its ends; pass several names as an array`,
      });
      assert.equal(FakeRequest.all.length, 0);
    });
  }

  test('throws an error for an empty name in the URL', () => {
    assert.throws(() => new SseClient('/sse/stream?to=', { share: false }), TypeError);
  });

  test('throws an error for more than a hundred names', () => {
    const to = Array.from({ length: 101 }, (_, n) => `n${n}`);
    assert.throws(() => openAlone({ to }), {
      name: 'TypeError',
      message: 'sse.js: the option `to` contains 101 names: ask for 100 at most',
    });
    assert.throws(
      () => openAlone({ to: ['x'.repeat(100_000)] }),
      ({ message }) => message.length < 600,
    );
  });

  test('tells which tabs share a connection', async () => {
    const tabs = [
      await openTab({ to: ['a', 'b'] }),
      await openTab({ to: ['b', 'a', 'b'] }),
      await openTab({}, '/sse/stream?to=a,b'),
      await openTab({ to: 'a' }),
      await openTab(),
    ];
    assert.deepEqual(
      tabs.map(({ sse }) => sse.leading),
      [true, false, false, true, true],
    );
    assert.equal(FakeRequest.allOpen.length, 3);
  });

  test('tells to which page of the tab a last event id belongs', async () => {
    openAlone({ to: 'order:42' });
    await FakeRequest.last.open(eventId(7));
    openAlone({ to: 'order:43' });
    assert.equal(FakeRequest.last.query('last_event_id'), null);
    openAlone();
    assert.equal(FakeRequest.last.query('last_event_id'), null);
    openAlone({ to: ['order:42'] });
    assert.equal(FakeRequest.last.query('last_event_id'), eventId(7));
  });
});

test('a refusal of one audience closes only the tabs that ask for it', async () => {
  const others = [await openTab(), await openTab({ to: 'order:7' })];
  const refused = [await openTab({ to: 'order:42' }), await openTab({ to: 'order:42' })];
  await FakeRequest.last.respond(403, {}, 'order:42 is not granted');
  await settle();
  for (const request of FakeRequest.allOpen) {
    if (request.query('to') === 'order:42') await request.respond(403, {}, 'order:42 is not granted');
    else await request.open(eventId(1));
  }
  assert.deepEqual(
    [...others, ...refused].map(({ sse }) => sse.status),
    ['open', 'open', 'closed', 'closed'],
  );
});
