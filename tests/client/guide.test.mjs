// docs/guides/orders.md: a page does not show its own comments twice.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** The code of the section "Not to the sender". */
function guideCode() {
  const guide = readFileSync(new URL('../../docs/guides/orders.md', import.meta.url), 'utf8');
  const [, section] = guide.split('\n## Not to the sender\n');
  const [, code] = section.split('\n```js\n');
  return code.slice(0, code.indexOf('```'));
}

/** A page with this code, whose server delivers what any page sends to all of them. */
function openPage(pages) {
  const shown = [];
  const listeners = new Map();
  const sse = { on: (name, listener) => listeners.set(name, listener) };
  const fetch = async (url, { method, headers, body }) => {
    assert.equal(url, '/orders/42/comments');
    assert.equal(method, 'POST');
    assert.equal(headers['Content-Type'], 'application/json');
    for (const page of pages) page.listeners.get('comment')(JSON.parse(body));
  };
  const showComment = (text) => shown.push(text);
  const run = new Function('order', 'sse', 'fetch', 'showComment', `${guideCode()}; return send;`);
  pages.push({ shown, listeners, send: run('42', sse, fetch, showComment) });
}

test('the page of the sender shows a comment once, and so does every other page', async () => {
  const pages = [];
  openPage(pages);
  openPage(pages);
  await pages[0].send('hello');
  await pages[1].send('good morning');
  for (const { shown } of pages) assert.deepEqual(shown, ['hello', 'good morning']);
});
