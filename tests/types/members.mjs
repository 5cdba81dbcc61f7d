// Prints what a client is at run time: `node members.mjs SSE_JS`.
import { readFileSync } from 'node:fs';

// Told by its address that it is a module: no package.json says so of the file.
const code = readFileSync(process.argv[2], 'utf8');
const module = await import(`data:text/javascript,${encodeURIComponent(code)}`);
const { SseClient, SseEvent } = module;

globalThis.location = { href: 'http://localhost/' };
globalThis.fetch = async () => new Response('no', { status: 404 });
const options = new Set();
const client = new SseClient(
  '/',
  new Proxy(
    { share: false },
    {
      get: (given, name) => {
        options.add(name);
        return given[name];
      },
    },
  ),
);
const error = await new Promise((heard) => {
  client.onerror = heard;
});

/** Names of its own and of its prototypes, down to the class that the platform gives. */
function members(object, platform) {
  const names = new Set();
  for (let of = object; of !== platform.prototype; of = Object.getPrototypeOf(of)) {
    for (const name of Object.getOwnPropertyNames(of)) names.add(name);
  }
  names.delete('constructor');
  return [...names];
}

const isOfFunctions = (name) => ['length', 'name', 'prototype'].includes(name);
console.log(
  JSON.stringify({
    exports: Object.keys(module),
    client: members(client, EventTarget),
    statics: Object.getOwnPropertyNames(SseClient).filter((name) => !isOfFunctions(name)),
    event: members(new SseEvent('message'), MessageEvent).filter((name) => name !== 'isTrusted'),
    error: members(error, Event).filter((name) => name !== 'isTrusted'),
    options: [...options],
  }),
);
