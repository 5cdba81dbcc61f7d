// The script of the start page. It shows everything that the client of sse-client.js reports.

import { byId, showText } from './dom.js';
import { showEvent, showGap } from './events.js';
import { isButtonMissing, loadTools } from './tools.js';

const STATUS_TEXTS = {
  idle: 'Starting',
  connecting: 'Connecting',
  open: 'Connected',
  reconnecting: 'Reconnecting',
  closed: 'Closed',
  unsupported: 'Not supported here',
};

/** By HTTP status of a final refusal: what it means. */
const REFUSALS = new Map([
  [204, 'The server has closed the stream for good.'],
  [401, 'You need to log in to receive events.'],
  [403, 'You are not allowed to receive events.'],
  [404, 'The stream does not exist at this address.'],
  [410, 'The stream no longer exists at this address.'],
]);

const UNSUPPORTED = { title: 'This browser is not supported', why: 'It cannot read streams.' };
const CLOSED = { title: 'The stream is closed', why: 'A script on this page closed it.' };

/** The last failure, until the stream is open again. */
let lastFailure;

function showConnection(sse) {
  byId('status').dataset.status = sse.status;
  showText(byId('status'), STATUS_TEXTS[sse.status]);
  showText(byId('tabs'), describeSharing(sse));
  byId('last-event-id').textContent = sse.lastEventId || 'None yet';
  showReason(sse);
}

/** Which tab holds the connection. */
function describeSharing({ status, leading }) {
  if (status === 'closed' || status === 'unsupported') return 'No connection';
  if (!navigator.locks || !window.BroadcastChannel) {
    return 'This tab has its own connection. Tabs can share one only over https or on the app’s own machine.';
  }
  if (leading) return 'This tab holds the connection for all tabs';
  return status === 'connecting' ? 'Looking for another tab' : 'Shares the connection of another tab';
}

/** Shows why no events arrive, and what to do. */
function showReason({ status }) {
  const { title, why, body, next } = findReason(status) ?? {};
  const hasFocus = byId('reason').contains(document.activeElement);
  showText(byId('reason-title'), title ?? '');
  showText(byId('reason-why'), why ?? '');
  showText(byId('reason-text'), body ?? '');
  showText(byId('reason-next'), next ?? '');
  byId('again').hidden = status !== 'closed' && status !== 'connecting';
  byId('again').textContent = status === 'connecting' ? 'Trying again' : 'Try again';
  byId('reason').hidden = !title;
  // The focus would be lost with the hidden button.
  if (!title && hasFocus) byId('connection').focus();
}

function findReason(status) {
  if (status === 'unsupported') return UNSUPPORTED;
  if (status === 'closed') return lastFailure?.final ? lastFailure : CLOSED;
  // While `connect()` runs, the button stays where it is and keeps the focus.
  return status === 'connecting' || status === 'reconnecting' ? lastFailure : undefined;
}

/** Explains an error event of the client. */
function describeFailure({ status, body, final }) {
  const title = final ? 'The server refused the connection' : 'The stream is not available';
  const answer = `The app answered ${status}.`;
  const retries = 'This page tries again automatically.';
  if (status === undefined) return { title, why: 'The app does not answer. Is it running?', next: retries };
  const restart = 'If the app started with an invalid .env, correct it and restart the app.';
  if (!final) return { title, why: answer, body: body.trim(), next: `${retries} ${restart}` };
  const why = `${REFUSALS.get(status) ?? 'The refusal is final.'} ${answer}`;
  return { final, title, why, body: body.trim(), next: 'This page does not try again automatically.' };
}

/** Shows what the client reports. `*` receives all events, including those that are configured later. */
function showClient(sse) {
  const isResumed = sse.lastEventId !== '';
  const update = () => showConnection(sse);
  sse.on('*', (value, event) => {
    showEvent(value, event);
    if (isButtonMissing(event.type)) loadTools().catch(() => {});
  });
  sse.on('sse.gap', showGap);
  sse.on('error', (_, event) => {
    lastFailure = describeFailure(event);
  });
  sse.on('open', clearFailure);
  sse.once('open', () => {
    byId('resumed').hidden = !isResumed;
  });
  for (const name of ['*', 'open', 'error', 'sse.status', 'sse.leading', 'sse.heartbeat', 'sse.gap']) {
    sse.on(name, update);
  }
  byId('again').addEventListener('click', () => sse.connect());
  update();
}

function clearFailure() {
  lastFailure = undefined;
  showText(byId('trigger-error'), '');
  loadTools().catch(() => showText(byId('no-events'), 'The app does not list its events.'));
}

/** Shows that the client's script did not load. */
function showLoadFailure() {
  lastFailure = {
    final: true,
    title: 'The client did not load',
    why: 'The app does not serve /js/sse.js.',
  };
  byId('again').addEventListener('click', () => location.reload());
  showConnection({ status: 'closed' });
}

loadTools().catch(() => {});
window.sseReady.then(showClient, showLoadFailure);
