// The entry point: `npm run build` bundles it into assets/js/sse.js.

export { SseClient, SseClient as default } from './client.js';
export { SseEvent } from './event.js';
