// Which events the parser reads from which bytes, in one chunk and split at every offset.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { client, environment, FakeRequest } from './environment.mjs';

const { SseClient } = client;
const BOM = '\ufeff';

/** The text of the stream, the events as [name, data, id], and the id and retry delay after them. */
const CASES = {
  'a byte order mark at the beginning is ignored': [
    `${BOM}data:1\n\ndata:2\n\n`,
    [
      ['message', '1', ''],
      ['message', '2', ''],
    ],
  ],
  'a second byte order mark is part of the field name': [
    `${BOM}${BOM}data:1\n\ndata:2\n\n`,
    [['message', '2', '']],
  ],
  'comments are ignored': [': a\ndata:1\n:\0\n:data:2\n\n', [['message', '1', '']]],
  'an event without an empty line after it is not dispatched': ['data:1\n\ndata:2\n', [['message', '1', '']]],
  'one space after the colon is removed': [
    'data:  1\ndata:\t2\ndata:3 \n\n',
    [['message', ' 1\n\t2\n3 ', '']],
  ],
  'a field without a colon has an empty value': [
    'data\n\ndata\ndata\n\ndata:1\n\n',
    [
      ['message', '', ''],
      ['message', '\n', ''],
      ['message', '1', ''],
    ],
  ],
  'unknown fields, and names with spaces or capitals, are ignored': [
    'Data:1\n data:2\ndata :3\nfoo:4\ndata:5\n\n',
    [['message', '5', '']],
  ],
  'CR, LF and CRLF end a line': [
    'data:1\rdata:2\r\ndata:3\n\rdata:4\r\n\r\ndata:5\r\r',
    [
      ['message', '1\n2\n3', ''],
      ['message', '4', ''],
      ['message', '5', ''],
    ],
  ],
  'U+2028, U+0085 and VT do not end a line': ['data:\u2028\u0085\v\n\n', [['message', '\u2028\u0085\v', '']]],
  'an event without a name, or with an empty one, is called message': [
    'event:a\ndata:1\n\nevent:\ndata:2\n\nevent:a\n\ndata:3\n\n',
    [
      ['a', '1', ''],
      ['message', '2', ''],
      ['message', '3', ''],
    ],
  ],
  'an id stays until the next one, and an empty id removes it': [
    'id:1\ndata:1\n\ndata:2\n\nid\ndata:3\n\n',
    [
      ['message', '1', '1'],
      ['message', '2', '1'],
      ['message', '3', ''],
    ],
  ],
  'an id that contains NUL is ignored': ['id:1\nid:a\0b\ndata:1\n\n', [['message', '1', '1']]],
  'an id without data counts': ['id:7\n\n', [], { id: '7' }],
  'a retry delay consists of digits only': [
    'retry:3000\nretry:1000x\nretry:-1\nretry:\nretry: 70\u0660\n\n',
    [],
    { retry: 3000 },
  ],
  'NUL in data is kept': ['data:\0\n\n', [['message', '\0', '']]],
  'characters of every UTF-8 length are decoded': ['data:aä€😀\n\n', [['message', 'aä€😀', '']]],
};

async function parse(chunks) {
  const sse = new SseClient('/sse/stream', { share: false, resume: false });
  const events = [];
  for (const name of ['message', 'a']) {
    sse.addEventListener(name, ({ type, data, lastEventId }) => events.push([type, data, lastEventId]));
  }
  const request = FakeRequest.last;
  await request.open();
  for (const chunk of chunks) request.controller.enqueue(chunk);
  await request.send('');
  return { sse, request, events };
}

for (const [name, [text, expected, { id, retry } = {}]] of Object.entries(CASES)) {
  test(name, async () => {
    const bytes = new TextEncoder().encode(text);
    const splits = [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))];
    for (let offset = 1; offset < bytes.length; offset += 1)
      splits.push([bytes.subarray(0, offset), bytes.subarray(offset)]);
    for (const chunks of splits) {
      const { sse, events } = await parse(chunks);
      assert.deepEqual(events, expected);
      if (id !== undefined) assert.equal(sse.lastEventId, id);
      sse.close();
    }
    if (retry === undefined) return;
    const { request } = await parse([bytes]);
    await request.end();
    const before = FakeRequest.all.length;
    await environment.clock.tick(retry - 1);
    assert.equal(FakeRequest.all.length, before);
    await environment.clock.tick(1);
    assert.equal(FakeRequest.all.length, before + 1);
  });
}

describe('bytes that are not valid UTF-8', () => {
  test('are replaced, and the next event is intact', async () => {
    const { events } = await parse([
      Uint8Array.of(
        ...new TextEncoder().encode('data:'),
        0xff,
        10,
        10,
        ...new TextEncoder().encode('data:1\n\n'),
      ),
    ]);
    assert.deepEqual(events, [
      ['message', '\ufffd', ''],
      ['message', '1', ''],
    ]);
  });
});

test('only text/event-stream opens the stream, with or without parameters', async () => {
  for (const [type, readyState] of [
    ['text/event-stream', 1],
    ['Text/Event-Stream', 1],
    ['text/event-stream;', 1],
    ['text/event-stream; charset=utf-8', 1],
    ['text/event-streams', 0],
    ['text/event stream', 0],
    ['text/plain', 0],
  ]) {
    const sse = new SseClient('/sse/stream', { share: false });
    await FakeRequest.last.respond(200, { 'content-type': type }, FakeRequest.last.body);
    // The client reads a refusal's body to its end.
    if (readyState === 0) await FakeRequest.last.end();
    assert.equal(sse.readyState, readyState, type);
    sse.close();
  }
});
