// The fake environment of a test: the client's globals, and helpers that open tabs.
import { setMaxListeners } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, mock } from 'node:test';
import { pathToFileURL } from 'node:url';

import { FakeChannel, FakeClock, FakeLocks, FakeRequest, FakeStorage, settle } from './fakes.mjs';

export { envelope, FakeChannel, FakeRequest, settle } from './fakes.mjs';

export const client = await importClient();

/** Imports a copy with the extension .mjs: no package.json in assets/js marks sse.js as a module. */
async function importClient() {
  const folder = mkdtempSync(join(tmpdir(), 'sse-client-'));
  const copy = join(folder, 'sse.mjs');
  copyFileSync(new URL('../../assets/js/sse.js', import.meta.url), copy);
  const module = await import(pathToFileURL(copy).href);
  rmSync(folder, { recursive: true });
  return module;
}

export const EPOCH = '00000000000000ff';
export const OTHER_EPOCH = '00000000000000fe';
export const eventId = (number) => `${EPOCH}-${number}`;

/** What a test controls; set anew before each test. */
export const environment = {};

export const dispatchToWindow = (type, init = {}) =>
  environment.window.dispatchEvent(Object.assign(new Event(type), init));

/** A client with a connection of its own. */
export const openAlone = (options = {}) => new client.SseClient('/sse/stream', { share: false, ...options });

/** The values that a listener to this event receives from now on. */
export function collectValues(sse, name) {
  const values = [];
  sse.on(name, (value) => values.push(value));
  return values;
}

/** Opens a tab, and records what its listeners receive. */
export async function openTab(options = {}, url = '/sse/stream') {
  const sse = new client.SseClient(url, { resume: false, ...options });
  const tab = { sse, values: [], gaps: [], statuses: [], opened: 0, errors: [], identityChanges: 0 };
  sse.on('*', (value) => tab.values.push(value));
  sse.ongap = ({ value }) => tab.gaps.push(value.reason);
  sse.onstatus = ({ value }) => tab.statuses.push(value);
  sse.onopen = () => {
    tab.opened += 1;
  };
  sse.onidentitychanged = () => {
    tab.identityChanges += 1;
  };
  sse.onerror = ({ status, body, final }) => tab.errors.push([status, body, final]);
  await settle();
  return tab;
}

/** Opens tabs that share one connection. The stream starts at the event with this number. */
export async function openTabs(count, number = 0) {
  const tabs = [];
  for (let n = 0; n < count; n += 1) {
    tabs.push(await openTab());
    await FakeRequest.last.open(eventId(number));
  }
  return tabs;
}

/** The next tabs have a window of their own. Returns the window of the earlier tabs. */
export function openWindow() {
  const { window } = environment;
  environment.window = new EventTarget();
  globalThis.addEventListener = environment.window.addEventListener.bind(environment.window);
  return window;
}

export const pluck = (tabs, property) => tabs.map((tab) => tab[property]);
export const countLeaders = (tabs) => tabs.filter(({ sse }) => sse.leading).length;

beforeEach(() => {
  FakeRequest.all = [];
  FakeRequest.answer = undefined;
  FakeChannel.all = new Set();
  // The longest delays, but never the same number twice: clients also draw their member ids.
  let draws = 0;
  const random = () => {
    draws += 1;
    return 1 - draws * 1e-12;
  };
  Object.assign(environment, {
    clock: new FakeClock(),
    random: mock.method(Math, 'random', random),
    window: new EventTarget(),
    document: Object.assign(new EventTarget(), {
      hidden: false,
      readyState: 'complete',
      baseURI: 'http://page.test/deep/page.html',
    }),
    locks: new FakeLocks(),
    storage: new FakeStorage(),
    commonStorage: new FakeStorage(),
  });
  // All tabs of a test share one window.
  setMaxListeners(0, environment.window, environment.document);
  setGlobals({
    fetch: (url, options) => new FakeRequest(url, options).response,
    BroadcastChannel: FakeChannel,
    document: environment.document,
    navigator: { locks: environment.locks },
    sessionStorage: environment.storage,
    localStorage: environment.commonStorage,
    addEventListener: environment.window.addEventListener.bind(environment.window),
  });
});

function setGlobals(globals) {
  environment.originals = Object.keys(globals).map((name) => [
    name,
    Object.getOwnPropertyDescriptor(globalThis, name),
  ]);
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
}

afterEach(() => {
  environment.clock.restore();
  mock.restoreAll();
  for (const [name, descriptor] of environment.originals) {
    if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    else delete globalThis[name];
  }
});
