// An example from practice: this page receives the event that was saved before it loaded.

import { SseClient } from './js/sse.js';
import { describe } from './sentence.js';

// `resume: false`: the previous page of this tab may have received the event just before it was left.
const sse = new SseClient('/sse/stream', { events: ['event_name1'], resume: false });

sse.on('event_name1', (value, event) => {
  const time = new Date(event.time).toLocaleTimeString();
  const text = `event_name1, saved at ${time}: ${describe(value)}`;
  document.getElementById('order-event').textContent = text;
});
