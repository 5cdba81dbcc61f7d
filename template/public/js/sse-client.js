// This file is yours: `sse install` does not touch it. Put your listeners here.

window.sseReady = Promise.all([import('./sse.js'), window.starter.events]).then(([{ SseClient }, events]) => {
  const sse = new SseClient('/sse/stream');

  sse.addEventListener('event_name1', (event) => {
    console.log('event_name1', JSON.parse(event.data).timestamp);
  });

  sse.addEventListener('event_name2', (event) => {
    console.log('event_name2', JSON.parse(event.data).timestamp);
  });

  // The starter page shows every event of SSE_EVENTS, and the connection; see app.js.
  for (const name of events) sse.on(name, window.starter.arrived);
  window.starter.follow(sse);

  window.sse = sse;
  return sse;
});
