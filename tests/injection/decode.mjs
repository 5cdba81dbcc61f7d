// Decodes the bytes of a stream from standard input, and writes a line for each event.

import './digest.js';

import { createParser } from 'eventsource-parser';

const lines = [];
const parser = createParser({
  onEvent({ id, event, data }) {
    if (event !== 'sse.heartbeat') lines.push(`${JSON.stringify(digested(id, event, data))}\n`);
  },
  onError(error) {
    throw error;
  },
});

const text = new TextDecoder('utf-8', { fatal: true });
for await (const chunk of process.stdin) {
  parser.feed(text.decode(chunk, { stream: true }));
  process.stdout.write(lines.splice(0).join(''));
}
