// Decodes the bytes of a stream from standard input, and writes a line for each event. The argument is the format of
// its data.

import './digest.js';

import { createParser } from 'eventsource-parser';

const digest = digested[process.argv[2]];
const lines = [];
const parser = createParser({
  onEvent({ id, event = 'message', data }) {
    if (event !== 'sse.heartbeat') lines.push(`${JSON.stringify(digest(id, event, data))}\n`);
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
