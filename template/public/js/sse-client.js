// This file is yours: `sse install` writes it once and never changes it. Add your listeners here.
//
// A page needs one line: <script src="/js/sse-client.js"></script>
// Other scripts of the page use the client like this:
//   sseReady.then((sse) => sse.on('event_name1', (value, event) => { … }));

window.sseReady = import('./sse.js').then(({ SseClient }) => {
  const sse = new SseClient('/sse/stream');

  sse.addEventListener('event_name1', (event) => {
    console.log('event_name1', JSON.parse(event.data).timestamp);
  });

  sse.addEventListener('event_name2', (event) => {
    console.log('event_name2', JSON.parse(event.data).timestamp);
  });

  window.sse = sse;
  return sse;
});
