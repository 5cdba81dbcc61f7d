// Code that must compile in an app after `sse install --events order:k1,toast:k2`.
import SseDefault, { SseClient, SseEvent, type SseStatus } from '../public/js/sse.js';
import type { SseEventName } from '../public/js/sse-events.js';

declare module '../public/js/sse.js' {
  interface SseEvents {
    order: { order: number };
  }
}

// As with EventSource.
const sse: SseClient = new SseDefault();
sse.onopen = (event) => console.log(event.type);
sse.onmessage = (event) => JSON.parse(event.data).timestamp;
sse.onerror = ({ status, body, final }) => {
  const refusal: number | undefined = status;
  const text: string | undefined = body;
  if (final) console.error(refusal, text);
};
sse.addEventListener('toast', (event) => JSON.parse(event.data).timestamp, { once: true });
sse.addEventListener('toast', { handleEvent: (event) => console.log(event.lastEventId, event.origin) });
sse.addEventListener('toast', null);
const anyEvent = (event: Event) => console.log(event.type);
sse.addEventListener('order', anyEvent, true);
sse.removeEventListener('order', anyEvent, true);
if (sse.readyState === SseClient.OPEN || sse.readyState === sse.CLOSED) sse.close();
const target: EventTarget = sse;
target.dispatchEvent(new SseEvent('order', { data: '{}' }));

// Values have the types that the app declares, otherwise `any`.
sse.addEventListener('order', function (event) {
  const order: number = event.value.order;
  const time: string | undefined = event.time;
  console.log(order, time, this.lastEventId);
});
const stop: () => void = sse.on('order', (value, event) =>
  console.log(value.order.toFixed(), event.value.order),
);
stop();
const listener = (value: { order: number }) => console.log(value.order);
sse.once('order', listener);
sse.off('order', listener);
sse.on('toast', (value) => value.whatever.it.has);
sse.on('*', (value, event) => console.log(event.type, value.whatever));
sse.on('message', (value) => value.whatever);
const names: SseEventName[] = ['order', 'toast'];
for (const name of names) sse.on(name, (value) => value.order);

// The client's own events.
sse.onstatus = function ({ value }) {
  const status: SseStatus = value;
  if (status === 'closed') this.connect();
};
sse.ongap = ({ value }) => {
  if (value.reason === 'connection-lost') location.reload();
};
sse.on('open', (value: undefined, event) => console.log(value, event.timeStamp));
sse.on('error', (value: undefined, event) => console.log(value, event.status?.toFixed()));
sse.on('sse.status', (value) => {
  const status: 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed' | 'unsupported' = value;
  console.log(status);
});
sse.on('sse.gap', ({ reason }) => {
  const why: 'unknown-id' | 'other-epoch' | 'expired' | 'swept' | 'unreadable' | 'connection-lost' = reason;
  console.log(why);
});
sse.on('sse.heartbeat', (seconds) => seconds.toFixed());
sse.on('sse.events', (events) => {
  for (const name of events) sse.on(name, (value) => console.log(value, sse.events.length));
});
sse.on('sse.leading', (leading: boolean) => console.log(leading, sse.leading));

// Every option.
new SseClient(new URL('https://shop.example/sse/stream'), {
  withCredentials: true,
  events: ['order', 'toast'],
  lastEventId: '0000000000000abc-41',
  resume: false,
  share: 'user-1',
});
new SseClient('/members/sse/stream', { share: true, events: undefined });

// What sse-client.js provides to other scripts.
sseReady.then((client) => client.on('toast', console.log));
window.sseReady.then((client) => client === window.sse);
console.log(sse.url, sse.withCredentials, sse.status);
