// The names of the events that the server may send, and the warnings of listeners for other names.
import assert from 'node:assert/strict';
import { beforeEach, describe, mock, test } from 'node:test';

import {
  client,
  environment,
  eventId,
  FakeChannel,
  FakeRequest,
  openAlone,
  openTab,
  openTabs,
  settle,
} from './environment.mjs';

let warnings;

beforeEach(() => {
  warnings = [];
  mock.method(console, 'warn', (text) => warnings.push(text));
});

const warning = (name, reason) => `sse.js: the listener for "${name}" is never called, because ${reason}`;
const unknown = (name, hint, list) =>
  warning(name, `this page receives no event of this name. ${hint}Its events are: ${list}.`);

async function sendNames(list, request = FakeRequest.last) {
  await request.send(`: events ${list}\nid: ${eventId(1)}\nevent: sse.heartbeat\ndata: 15\n\n`);
}

/** The lists of names that a page is told of. */
function collectLists(sse) {
  const lists = [];
  sse.on('sse.events', (events) => {
    assert.deepEqual(sse.events, events);
    lists.push(events.join());
  });
  return lists;
}

describe('the names', () => {
  test('are known to the page after the beginning of the stream, and when they change', async () => {
    const sse = openAlone();
    const lists = collectLists(sse);
    await FakeRequest.last.open();
    assert.deepEqual(sse.events, []);
    await sendNames('order,stock');
    await sendNames('order,stock');
    // A change of the configuration, between two events.
    await FakeRequest.last.send(': events order,toast\n');
    assert.deepEqual(lists, ['order,stock', 'order,toast']);
    // The list is too long for the server to send it.
    await FakeRequest.last.send(': events \n');
    assert.deepEqual([lists.at(-1), sse.events], ['', []]);
  });

  test('are not dispatched again after a reconnect', async () => {
    const sse = openAlone();
    const lists = collectLists(sse);
    await FakeRequest.last.open();
    await sendNames('order');
    await FakeRequest.last.end();
    await environment.clock.tick(1000);
    await FakeRequest.last.open();
    await sendNames('order');
    assert.deepEqual([lists, sse.events], [['order'], ['order']]);
    assert.equal(FakeRequest.all.length, 2);
  });

  test('may be split between two chunks', async () => {
    const sse = openAlone();
    await FakeRequest.last.open();
    await FakeRequest.last.send(': eve');
    await FakeRequest.last.send('nts ord');
    assert.deepEqual(sse.events, []);
    await FakeRequest.last.send('er\n');
    // The identity of the connection is unknown until its first event.
    assert.deepEqual(sse.events, []);
    await FakeRequest.last.send(`id: ${eventId(1)}\nevent: sse.heartbeat\ndata: 15\n\n`);
    assert.deepEqual(sse.events, ['order']);
  });

  test('are dispatched before the events that arrive with them', async () => {
    const sse = openAlone();
    const order = [];
    sse.on('sse.events', () => order.push('names'));
    sse.on('order', () => order.push('order'));
    await FakeRequest.last.open();
    await FakeRequest.last.send(`: events order\nid: ${eventId(1)}\nevent: order\ndata: 1\n\n`);
    assert.deepEqual(order, ['names', 'order']);
  });

  test('no event arrives after a listener to the names has closed the client', async () => {
    const sse = openAlone();
    sse.on('sse.events', () => sse.close());
    sse.on('order', () => assert.fail('the client is closed'));
    await FakeRequest.last.open();
    await FakeRequest.last.send(`: events order\nid: ${eventId(1)}\nevent: order\ndata: 1\n\n`);
    assert.equal(sse.status, 'closed');
  });

  test('reach all tabs that share a connection, and one that joins without a new request', async () => {
    const tabs = await openTabs(2);
    await sendNames('order');
    assert.deepEqual(
      tabs.map(({ sse }) => sse.events),
      [['order'], ['order']],
    );
    const [, { sse: follower }] = tabs;
    const lists = collectLists(follower);
    // It leaves the connection and joins again, as after the back/forward cache.
    const requests = FakeRequest.all.length;
    follower.close();
    await FakeRequest.last.send(': events order,stock\n');
    assert.deepEqual(follower.events, ['order']);
    follower.connect();
    await environment.clock.tick(0);
    await FakeRequest.last.open();
    await sendNames('order,stock');
    assert.deepEqual([lists, follower.events], [['order,stock'], ['order', 'stock']]);
    assert.ok(FakeRequest.all.length > requests);
    const third = await openTab();
    await FakeRequest.last.open();
    await sendNames('order,stock');
    assert.deepEqual(third.sse.events, ['order', 'stock']);
  });

  test('reach a tab that was frozen while another tab became the leader', async () => {
    const [first, second, third] = await openTabs(3);
    await sendNames('order');
    const [, , channel] = FakeChannel.all;
    channel.isFrozen = true;
    first.sse.close();
    await settle();
    await FakeRequest.last.open(eventId(1));
    await sendNames('order,toast');
    assert.deepEqual([second.sse.leading, third.sse.events], [true, ['order']]);
    channel.isFrozen = false;
    const requests = FakeRequest.all.length;
    await FakeRequest.last.send(`id: ${eventId(1)}\nevent: sse.heartbeat\ndata: 15\n\n`);
    assert.deepEqual([third.sse.events, FakeRequest.all.length], [['order', 'toast'], requests]);
  });
});

describe('a listener for a name that the server does not have', () => {
  test('is reported with the nearest name, once', async () => {
    const sse = openAlone();
    sse.on('ordr', () => {});
    sse.addEventListener('Stock', () => {});
    await FakeRequest.last.open();
    assert.deepEqual(warnings, []);
    await sendNames('order,stock');
    const expected = [
      unknown('ordr', 'Did you mean "order"? ', 'order, stock'),
      unknown('Stock', 'Did you mean "stock"? ', 'order, stock'),
    ];
    assert.deepEqual(warnings, expected);
    sse.once('ordr', () => {});
    await sendNames('order,stock');
    await FakeRequest.last.send(': events order,stock,toast\n');
    assert.deepEqual(warnings, expected);
  });

  test('is reported without a suggestion if it is too long to be typed', async () => {
    const sse = openAlone();
    const event = 'y'.repeat(64);
    for (const name of [event.slice(1), `${event}y`]) sse.on(name, () => {});
    await FakeRequest.last.open();
    await sendNames(event);
    assert.deepEqual(warnings, [
      unknown(event.slice(1), `Did you mean "${event}"? `, event),
      unknown(`${event}y`, '', event),
    ]);
  });

  test('is reported when it is added after the names have arrived', async () => {
    const sse = openAlone();
    await FakeRequest.last.open();
    await sendNames('order,stock');
    sse.once('zzz', () => {});
    assert.deepEqual(warnings, [unknown('zzz', '', 'order, stock')]);
  });

  test('is reported in leader and follower tabs', async () => {
    const tabs = await openTabs(2);
    for (const { sse } of tabs) sse.on('ordre', () => {});
    await sendNames('order');
    const expected = unknown('ordre', 'Did you mean "order"? ', 'order');
    assert.deepEqual(warnings, [expected, expected]);
  });

  test('is reported when its event is removed', async () => {
    const sse = openAlone();
    sse.on('order', () => {});
    await FakeRequest.last.open();
    await sendNames('order,stock');
    assert.deepEqual(warnings, []);
    await FakeRequest.last.send(': events stock\n');
    assert.deepEqual(warnings, [unknown('order', '', 'stock')]);
  });
});

test('a listener for an event that the client did not ask for is reported', async () => {
  const sse = openAlone({ events: ['order'] });
  for (const name of ['order', 'stock']) sse.on(name, () => {});
  await FakeRequest.last.open();
  await sendNames('order,stock');
  assert.deepEqual(warnings, [warning('stock', 'the option `events` of the client does not contain it.')]);
});

test('a listener for unnamed events is reported unless an event is called message', async () => {
  const expected = [unknown('message', "To receive all events, use on('*', …). ", 'order')];
  for (const listen of [
    (sse) => sse.on('message', () => {}),
    (sse) => {
      sse.onmessage = () => {};
    },
  ]) {
    warnings = [];
    const sse = openAlone();
    listen(sse);
    await FakeRequest.last.open();
    await sendNames('order,message');
    assert.deepEqual(warnings, []);
    await FakeRequest.last.send(': events order\n');
    assert.deepEqual(warnings, expected);
  }
});

test("listeners for all events and for the client's own events are not reported", async () => {
  const sse = openAlone();
  for (const name of ['*', 'open', 'error', 'sse.gap', 'sse.status', 'sse.events', 'sse.x']) {
    sse.on(name, () => {});
  }
  sse.addEventListener('anything', null);
  await FakeRequest.last.open();
  await sendNames('order');
  await FakeRequest.last.sendEvent('order', eventId(2), 1);
  assert.deepEqual(warnings, []);
});

test('no listener is reported while the server has not named its events', async () => {
  const sse = openAlone();
  sse.on('ordr', () => {});
  await FakeRequest.last.open(eventId(1));
  await FakeRequest.last.send(': events \n: planned end\n\n');
  assert.deepEqual(warnings, []);
});

test('a client where streams cannot be read takes listeners', () => {
  const { ReadableStream } = globalThis;
  try {
    globalThis.ReadableStream = undefined;
    const sse = new client.SseClient();
    sse.on('order', () => {});
    assert.deepEqual([sse.status, sse.events], ['unsupported', []]);
  } finally {
    globalThis.ReadableStream = ReadableStream;
  }
});
