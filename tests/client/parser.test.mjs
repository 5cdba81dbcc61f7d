// What is heard of which bytes, whole and cut at every place.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { client, Request } from './world.mjs';

const { SseClient } = client;
const BOM = '\ufeff';

/** The text on the wire, what is heard as [name, data, id], and the id and waiting time after it. */
const CASES = {
  'a byte order mark at the beginning is no text': [`${BOM}data:1\n\ndata:2\n\n`, [['message', '1', ''], ['message', '2', '']]],
  'a second byte order mark is': [`${BOM}${BOM}data:1\n\ndata:2\n\n`, [['message', '2', '']]],
  'comments are not heard': [': a\ndata:1\n:\0\n:data:2\n\n', [['message', '1', '']]],
  'what no empty line ends is not heard': ['data:1\n\ndata:2\n', [['message', '1', '']]],
  'of the spaces behind the colon one is left out': ['data:  1\ndata:\t2\ndata:3 \n\n', [['message', ' 1\n\t2\n3 ', '']]],
  'a field without a colon is empty': ['data\n\ndata\ndata\n\ndata:1\n\n', [['message', '', ''], ['message', '\n', ''], ['message', '1', '']]],
  'other fields, and names with spaces or capitals, are nothing': ['Data:1\n data:2\ndata :3\nfoo:4\ndata:5\n\n', [['message', '5', '']]],
  'every line end is one': ['data:1\rdata:2\r\ndata:3\n\rdata:4\r\n\r\ndata:5\r\r', [['message', '1\n2\n3', ''], ['message', '4', ''], ['message', '5', '']]],
  'U+2028, U+0085 and VT are none': ['data:\u2028\u0085\v\n\n', [['message', '\u2028\u0085\v', '']]],
  'an event has its name, and an empty one is message': ['event:a\ndata:1\n\nevent:\ndata:2\n\nevent:a\n\ndata:3\n\n', [['a', '1', ''], ['message', '2', ''], ['message', '3', '']]],
  'an id stays until the next, and an empty one takes it away': ['id:1\ndata:1\n\ndata:2\n\nid\ndata:3\n\n', [['message', '1', '1'], ['message', '2', '1'], ['message', '3', '']]],
  'an id with NUL is none': ['id:1\nid:a\0b\ndata:1\n\n', [['message', '1', '1']]],
  'an id alone counts': ['id:7\n\n', [], { id: '7' }],
  'a waiting time has digits only': ['retry:3000\nretry:1000x\nretry:-1\nretry:\nretry: 70\u0660\n\n', [], { retry: 3000 }],
  'NUL in data stays': ['data:\0\n\n', [['message', '\0', '']]],
  'characters of every length': ['data:aä€😀\n\n', [['message', 'aä€😀', '']]],
};

async function hear(chunks) {
  const sse = new SseClient('/sse/stream', { share: false, resume: false });
  const heard = [];
  for (const name of ['message', 'a']) {
    sse.addEventListener(name, ({ type, data, lastEventId }) => heard.push([type, data, lastEventId]));
  }
  const request = Request.last;
  await request.opens();
  for (const chunk of chunks) request.controller.enqueue(chunk);
  await request.sends('');
  return { sse, request, heard };
}

for (const [name, [text, expected, { id, retry } = {}]] of Object.entries(CASES)) {
  test(name, async () => {
    const bytes = new TextEncoder().encode(text);
    const cuts = [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))];
    for (let at = 1; at < bytes.length; at += 1) cuts.push([bytes.subarray(0, at), bytes.subarray(at)]);
    for (const chunks of cuts) {
      const { sse, heard } = await hear(chunks);
      assert.deepEqual(heard, expected);
      if (id !== undefined) assert.equal(sse.lastEventId, id);
      sse.close();
    }
    if (retry === undefined) return;
    const { world } = await import('./world.mjs');
    const { request } = await hear([bytes]);
    await request.ends();
    const before = Request.all.length;
    await world.clock.tick(retry - 1);
    assert.equal(Request.all.length, before);
    await world.clock.tick(1);
    assert.equal(Request.all.length, before + 1);
  });
}

describe('bytes that are no UTF-8', () => {
  test('are replaced, and the next event is whole', async () => {
    const { heard } = await hear([Uint8Array.of(...new TextEncoder().encode('data:'), 0xff, 10, 10, ...new TextEncoder().encode('data:1\n\n'))]);
    assert.deepEqual(heard, [['message', '\ufffd', ''], ['message', '1', '']]);
  });
});

test('types of a stream', async () => {
  for (const [type, readyState] of [
    ['text/event-stream', 1], ['Text/Event-Stream', 1], ['text/event-stream;', 1], ['text/event-stream; charset=utf-8', 1],
    ['text/event-streams', 0], ['text/event stream', 0], ['text/plain', 0],
  ]) {
    const sse = new SseClient('/sse/stream', { share: false });
    await Request.last.answers(200, { 'content-type': type }, Request.last.body);
    // A body that goes on is not read for its text for ever, but that is another test.
    if (readyState === 0) await Request.last.ends();
    assert.equal(sse.readyState, readyState, type);
    sse.close();
  }
});
