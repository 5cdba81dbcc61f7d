import { SseClient } from './js/sse.js';

declare module './js/sse.js' {
  interface SseEvents {
    order: { order: number };
  }
}

const news = document.querySelector('#news') as HTMLElement;
new SseClient().on('order', (value, event) => {
  news.textContent = `Order ${value.order} at ${event.time}`;
});
