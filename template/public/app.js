// The script of the start page. It shows everything that the client of sse-client.js reports.

import { clearFailure, setEnvProblem, setFailure, setLoadFailure, showConnection } from './connection.js';
import { byId } from './dom.js';
import { showEvent, showGap } from './events.js';
import { isButtonMissing, loadTools } from './tools.js';

/** How often the page asks whether .env has changed. The app itself looks every two seconds. */
const ENV_CHECK_MS = 2000;

/** Whether this tab has shown the page before. The client may have received an id of its own before this script ran. */
const isReturn = wasVisited();

function wasVisited() {
  try {
    const wasSet = sessionStorage.getItem('visited') !== null;
    sessionStorage.setItem('visited', 'yes');
    return wasSet;
  } catch {
    // Without storage, the client does not resume either.
    return false;
  }
}

/** Shows what the client reports. `*` receives all events, including those that are configured later. */
function showClient(sse) {
  // A page that receives a gap has not resumed.
  let isResumed = isReturn && sse.lastEventId !== '';
  const update = () => showConnection(sse, isResumed);
  const load = async () => setEnvProblem(await loadTools()) && update();
  sse.on('*', (value, event) => {
    showEvent(value, event);
    if (isButtonMissing(event.type)) load();
  });
  sse.on('sse.gap', (value) => {
    isResumed = false;
    showGap(value);
  });
  sse.on('error', (_, event) => setFailure(event));
  sse.on('open', clearFailure);
  sse.on('open', load);
  sse.on('sse.events', load);
  for (const name of ['*', 'open', 'error', 'sse.status', 'sse.leading', 'sse.heartbeat', 'sse.gap']) {
    sse.on(name, update);
  }
  byId('again').addEventListener('click', () => sse.connect());
  setInterval(() => {
    if (sse.status === 'open' && !document.hidden) load();
  }, ENV_CHECK_MS);
  tools.then((problem) => setEnvProblem(problem) && update());
  // The server may have refused the stream before this script could listen for the reason.
  if (sse.status === 'closed') sse.connect();
  update();
}

/** Shows that the client's script did not load. */
function showLoadFailure() {
  setLoadFailure();
  byId('again').addEventListener('click', () => location.reload());
  showConnection({ status: 'closed' }, false);
}

const tools = loadTools();
window.sseReady.then(showClient, showLoadFailure);
