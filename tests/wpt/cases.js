// The cases that pages and workers run: each has one client, and records what it receives.

import { SseClient } from '/js/sse.js';

/**
 * Shorter than the time after which drivers abort a script, so that a failure shows the record: 20 seconds,
 * since timers.js divides it by ten.
 */
const DEADLINE_MS = 200_000;

/** A client that shares and remembers nothing, like an EventSource. */
const client = (url, options) => new SseClient(url, { share: false, resume: false, ...options });

/** Fulfilled with the record when it is complete or, with a note in it, at the deadline. */
function recorded(begin) {
  return new Promise((resolve) => {
    const record = [];
    const timer = setTimeout(() => {
      record.push('the end did not arrive');
      resolve(record);
    }, DEADLINE_MS);
    begin(record, () => {
      clearTimeout(timer);
      resolve(record);
    });
  });
}

/** Everything before an event named `end`, or up to a final error. */
export function receive(url, { names = [], ...options } = {}) {
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

/** Describes the event with which a property or listener of the client is called, and its `this`. */
function shape(event, sse, self) {
  const { type, bubbles, cancelable, isTrusted, data = null, origin = null, lastEventId = null } = event;
  const isMessage = event instanceof MessageEvent;
  const isOurs = self === sse && event.target === sse;
  const hasData = 'data' in event;
  return { type, bubbles, cancelable, isTrusted, isMessage, isOurs, hasData, data, origin, lastEventId };
}

/** The state of the client when this property is called first, and the event. */
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

/** The state of the client when a listener receives the first event of this name, and the event. */
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

/** The states of a client that is closed as soon as it is open, and what it receives until `later` ends. */
export function closed(url, later) {
  return recorded((record, complete) => {
    const sse = client(url);
    record.push(sse.readyState);
    sse.onmessage = sse.onerror = ({ type }) => record.push(type);
    sse.onopen = async () => {
      record.push(sse.readyState);
      sse.close();
      record.push(sse.readyState);
      await receive(later);
      record.push(sse.readyState);
      complete();
    };
  });
}

/** Keeps a client in the page as `sse`, and its record as `record`. */
export function open(url) {
  globalThis.sse = client(url);
  globalThis.record = [];
  sse.onopen = sse.onmessage = sse.onerror = ({ type }) => record.push(type);
}

/** The constants of the class and of an instance, and the instance's URL. */
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

/** The result of one of these functions in a worker. */
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
