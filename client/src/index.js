// All of it, which `npm run build` makes into assets/js/sse.js.

export { SseEvent } from './event.js';
export { SseClient, SseClient as default } from './client.js';
