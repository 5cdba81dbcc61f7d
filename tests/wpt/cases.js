// What pages and workers run: one client each, and a record of what it heard.

import { SseClient } from '/js/sse.js';

/** Shorter than the time after which drivers give up a script, so that a failure says what was heard. */
const DEADLINE_MS = 20_000;

/** A client without neighbours and without memory, which is what an EventSource is. */
const client = (url, options) => new SseClient(url, { share: false, resume: false, ...options });

/** Fulfilled with the record when it is complete or, with a remark, when that takes too long. */
function recorded(begin) {
  return new Promise((resolve) => {
    const record = [];
    const timer = setTimeout(() => {
      record.push('the end did not come');
      resolve(record);
    }, DEADLINE_MS);
    begin(record, () => {
      clearTimeout(timer);
      resolve(record);
    });
  });
}

/** All that comes before an event named `end`, or until an error that is final. */
export function hear(url, { names = [], ...options } = {}) {
  return recorded((record, complete) => {
    const sse = client(url, options);
    const end = () => {
      sse.close();
      complete();
    };
    sse.onopen = () => record.push(['open', sse.readyState]);
    sse.onerror = ({ status = null, body = null, final }) => {
      record.push(['error', sse.readyState, status, body, final]);
      if (final) end();
    };
    for (const name of ['message', ...names]) {
      sse.addEventListener(name, ({ type, data, lastEventId }) => record.push([type, data, lastEventId]));
    }
    sse.addEventListener('end', end);
  });
}

/** What a property or listener of the client is called with, and on what. */
function shape(event, sse, self) {
  const { type, bubbles, cancelable, isTrusted, data = null, origin = null, lastEventId = null } = event;
  const isMessage = event instanceof MessageEvent;
  const isOurs = self === sse && event.target === sse;
  const hasData = 'data' in event;
  return { type, bubbles, cancelable, isTrusted, isMessage, isOurs, hasData, data, origin, lastEventId };
}

/** The first event that this property of the client is called with, and the state of the client then. */
export function called(url, property, options) {
  return recorded((record, complete) => {
    const sse = client(url, options);
    sse[property] = function (event) {
      record.push(sse.readyState, shape(event, sse, this));
      sse.close();
      complete();
    };
  });
}

/** The first event of this name that a listener receives. */
export function listened(url, name, options) {
  return recorded((record, complete) => {
    const sse = client(url, options);
    sse.addEventListener(
      name,
      function (event) {
        record.push(sse.readyState, shape(event, sse, this));
        sse.close();
        complete();
      },
      false,
    );
  });
}

/** The states of a client that is closed as soon as it is open, and what is heard until `later` ends. */
export function closed(url, later) {
  return recorded((record, complete) => {
    const sse = client(url);
    record.push(sse.readyState);
    sse.onmessage = sse.onerror = ({ type }) => record.push(type);
    sse.onopen = async () => {
      record.push(sse.readyState);
      sse.close();
      record.push(sse.readyState);
      await hear(later);
      record.push(sse.readyState);
      complete();
    };
  });
}

/** Leaves a client in the page as `sse`, and as `record` what it hears. */
export function open(url) {
  globalThis.sse = client(url);
  globalThis.record = [];
  sse.onopen = sse.onmessage = sse.onerror = ({ type }) => record.push(type);
}

/** What the class and its instances say about states, and about the address. */
export function described(url) {
  const sse = client(url);
  sse.close();
  const states = ({ CONNECTING, OPEN, CLOSED }) => [CONNECTING, OPEN, CLOSED];
  return [states(SseClient), states(sse), sse.url, sse.withCredentials];
}

const KINDS = {
  dedicated: () => new Worker('/worker.js', { type: 'module' }),
  shared: () => new SharedWorker('/worker.js', { type: 'module' }).port,
};

/** What one of these functions says in a worker. */
export function inWorker(kind, run, ...args) {
  return recorded((record, complete) => {
    const worker = KINDS[kind]();
    worker.onmessage = ({ data }) => {
      record.push(...data);
      complete();
    };
    worker.onerror = ({ message }) => record.push(message);
    worker.postMessage([run, args]);
  });
}
