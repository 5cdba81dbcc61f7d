// What the page shows about its connection: the state, and why there is none.

import { byId, formatTime, showText } from './dom.js';

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
const RETRIES = 'This page tries again automatically.';
/** As much of a response as the reader of a short notice wants. The browser's own tools show all of it. */
const MAX_BODY_LENGTH = 400;

/** The last failure, until the stream is open again. */
let lastFailure;
/** Why the app cannot use its .env; empty if it can. The app keeps using the previous values. */
let envProblem = '';
/** When the connection was lost; undefined while there is one, and before the first. */
let lostAt;
let wasOpen = false;

export function showConnection(sse, isResumed) {
  const isOpen = sse.status === 'open';
  if (isOpen) lostAt = undefined;
  else if (wasOpen) lostAt = new Date();
  wasOpen = isOpen;
  byId('status').dataset.status = sse.status;
  showText(byId('status'), STATUS_TEXTS[sse.status]);
  byId('tabs').textContent = isOpen ? describeSharing(sse) : describeAbsence(sse);
  byId('last-event-id').textContent = sse.lastEventId || 'None yet';
  byId('resumed').hidden = !isResumed;
  byId('resumed').textContent = isOpen ? 'Resumed after the previous page' : 'Will resume after this one';
  showReason(sse);
}

/** Which tab holds the connection. */
function describeSharing({ leading }) {
  if (!navigator.locks || !window.BroadcastChannel) {
    return 'This tab has its own connection. Tabs can share one only over https or on the app’s own machine.';
  }
  return leading ? 'Open, held by this tab' : 'Open, held by another tab';
}

function describeAbsence({ status }) {
  if (lostAt) return `No connection since ${formatTime(lostAt)}`;
  return status === 'idle' || status === 'connecting' ? 'Not connected yet' : 'No connection';
}

/** Shows why no events arrive, and what to do. It covers the end of the page, and moves nothing. */
function showReason({ status }) {
  const { title, why, body, next } = findReason(status) ?? {};
  const hasFocus = byId('reason').contains(document.activeElement);
  showText(byId('reason-title'), title ?? '');
  showText(byId('reason-why'), why ?? '');
  showText(byId('reason-text'), shorten(body ?? ''));
  showText(byId('reason-next'), next ?? '');
  byId('again').hidden = status !== 'closed' && (status !== 'connecting' || !lastFailure?.final);
  byId('again').textContent = status === 'connecting' ? 'Trying again' : 'Try again';
  byId('reason').hidden = !title;
  // The focus would be lost with the hidden button.
  if (hasFocus && !byId('again').checkVisibility()) byId('connection').focus();
}

const shorten = (text) => (text.length > MAX_BODY_LENGTH ? `${text.slice(0, MAX_BODY_LENGTH)}…` : text);

function findReason(status) {
  if (status === 'unsupported') return UNSUPPORTED;
  if (status === 'closed') return lastFailure?.final ? lastFailure : CLOSED;
  // While `connect()` runs, the button stays where it is and keeps the focus.
  const isWaiting = status === 'connecting' || status === 'reconnecting';
  return (isWaiting && lastFailure) || (envProblem && describeEnvProblem());
}

function describeEnvProblem() {
  return {
    title: 'The app cannot use its .env',
    why: 'Until the file is corrected, the app keeps using the previous values.',
    body: envProblem,
  };
}

/** Remembers an error event of the client. */
export function setFailure({ status, body, final }) {
  lastFailure = describeFailure(status, body?.trim(), final);
}

/** Remembers why there is no client at all. */
export function setLoadFailure() {
  lastFailure = { final: true, title: 'The client did not load', why: 'The app does not serve /js/sse.js.' };
}

export function clearFailure() {
  lastFailure = undefined;
}

/** Whether that is news. */
export function setEnvProblem(problem) {
  const isNew = problem !== envProblem;
  envProblem = problem;
  return isNew;
}

function describeFailure(status, body, final) {
  const title = final ? 'The server refused the connection' : 'The stream is not available';
  const answer = `The app answered ${status}.`;
  if (status === undefined) return { title, why: 'The app does not answer. Is it running?', next: RETRIES };
  if (!final) return { title, why: answer, body, next: RETRIES };
  const why = `${REFUSALS.get(status) ?? 'The refusal is final.'} ${answer}`;
  return { final, title, why, body, next: 'This page does not try again automatically.' };
}
