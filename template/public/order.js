// The practical example: this page hears what was saved while it was on its way.

import { SseClient } from './js/sse.js';

// `resume: false`: the page that this one was ordered on may have heard the event, too, on its way out.
const sse = new SseClient('/sse/stream', { events: ['event_name1'], resume: false });

sse.on('event_name1', (value, event) => {
  document.getElementById('heard').textContent =
    `event_name1, saved at ${event.time}: ${JSON.stringify(value)}`;
});
