// The practical example: this page hears what was saved while it was served.

import { SseClient } from './js/sse.js';

const sse = new SseClient('/sse/stream', { events: ['event_name1'] });

sse.on('event_name1', (value, event) => {
  document.getElementById('heard').textContent = `event_name1, saved at ${event.time}: ${JSON.stringify(value)}`;
});
