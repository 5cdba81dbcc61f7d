// A page that records what its client receives in `received`. If the page changes by itself, it also
// records it in localStorage, for all documents of the tab: each write copies the whole list to every tab,
// so several tabs must not do that. The query string sets the client's options.
const query = new URLSearchParams(location.search);
if (query.has('nolocks')) Object.defineProperty(navigator, 'locks', { value: undefined });
const { SseClient } = await import('/js/sse.js');

function record(list, item) {
  window[list].push(item);
  if (localStorage.getItem('hops') === null) return;
  localStorage.setItem(list, `${localStorage.getItem(list) ?? ''}${item},`);
}

const options = {};
if (query.has('share')) options.share = query.get('share');
if (query.has('events')) options.events = query.get('events').split(',');
if (query.has('to')) options.to = query.get('to').split(',');
if (query.has('latest')) options.latest = true;
if (query.has('token')) options.headers = async () => ({ Authorization: `Bearer ${query.get('token')}` });

window.received = [];
window.gaps = [];
window.statuses = [];
window.errors = [];
window.refusals = [];
window.identityChanges = 0;
window.restored = 0;
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) window.restored += 1;
});

const sse = new SseClient('/sse/stream', options);
sse.on('*', () => {
  throw new Error('a listener that throws stops no other listener');
});
sse.on('*', (value) => record('received', value));
sse.ongap = ({ value }) => record('gaps', value.reason);
sse.onstatus = ({ value }) => statuses.push(value);
sse.onerror = ({ status, body }) => {
  errors.push(status ?? 'network');
  if (body) refusals.push(body);
};
sse.onidentitychanged = () => {
  identityChanges += 1;
};
window.sse = sse;

// Navigates to other pages at random moments.
const hops = Number(localStorage.getItem('hops') ?? 0);
if (hops > 0) {
  setTimeout(() => {
    localStorage.setItem('hops', hops - 1);
    if (Math.random() < 0.3) location.reload();
    else location.assign(`/page-${Math.floor(Math.random() * 1e9)}`);
  }, Math.random() * 120);
}
