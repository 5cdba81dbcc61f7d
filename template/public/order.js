// An example from practice: this page receives the event that was saved before it loaded.

import { SseClient } from './js/sse.js';
import { describe } from './sentence.js';

// `resume: false`: the previous page of this tab may have received the event just before it was left.
const sse = new SseClient('/sse/stream', { events: ['event_name1'], resume: false });

let isWaiting = true;
/** The events of the last five seconds arrive with the first data. */
const WAIT_MS = 2000;

sse.once('open', () => setTimeout(showAbsence, WAIT_MS));

sse.on('event_name1', (value, event) => {
  const time = new Date(event.time).toLocaleTimeString();
  const text = `event_name1, saved at ${time}: ${describe(value)}`;
  isWaiting = false;
  document.getElementById('order-event').textContent = text;
});

/** Somebody may open this page without an order. */
function showAbsence() {
  if (isWaiting) {
    document.getElementById('order-event').textContent =
      'No order was placed in the last seconds. Place one below, and its event appears here.';
  }
}
