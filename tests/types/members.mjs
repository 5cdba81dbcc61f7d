// Prints the members that the client's classes have at run time: `node members.mjs SSE_JS`.
import { readFileSync } from 'node:fs';

// Imported from a data URL, which is always a module: no package.json marks the file as one.
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
      get: (target, name) => {
        options.add(name);
        return target[name];
      },
    },
  ),
);
const error = await new Promise((resolve) => {
  client.onerror = resolve;
});

/** The names of an object's members, without those that it inherits from a class of the platform. */
function members(object, platformClass) {
  const names = new Set();
  for (let owner = object; owner !== platformClass.prototype; owner = Object.getPrototypeOf(owner)) {
    for (const name of Object.getOwnPropertyNames(owner)) names.add(name);
  }
  names.delete('constructor');
  return [...names];
}

const isFunctionProperty = (name) => ['length', 'name', 'prototype'].includes(name);
console.log(
  JSON.stringify({
    exports: Object.keys(module),
    client: members(client, EventTarget),
    statics: Object.getOwnPropertyNames(SseClient).filter((name) => !isFunctionProperty(name)),
    event: members(new SseEvent('message'), MessageEvent).filter((name) => name !== 'isTrusted'),
    error: members(error, Event).filter((name) => name !== 'isTrusted'),
    options: [...options],
  }),
);
