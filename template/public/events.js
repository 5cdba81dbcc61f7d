// The list of received events, and the toasts.

import { byId, createElement } from './dom.js';

/** Older events leave the list, so that an open page does not grow without end. */
const MAX_LIST_LENGTH = 100;
/** As many as fit into the bar. */
const MAX_TOASTS = 3;
/** Long enough to read a toast. */
const TOAST_MS = 6000;
/** The `Date` header has whole seconds, so a smaller difference means nothing. */
const CLOCK_TOLERANCE_MS = 2000;

/** By reason of a gap: what has happened. */
const GAP_REASONS = new Map([
  ['unknown-id', 'The server does not know the last event id of this page.'],
  ['other-epoch', 'The server’s journal was replaced, or has lost events in a power failure.'],
  ['expired', 'The time to live of the missed events is over.'],
  ['swept', 'So many values were saved that the server has removed the oldest.'],
  ['unreadable', 'The server cannot read some of the saved values.'],
  ['connection-lost', 'The connection was lost before the server had sent an event id.'],
]);

const openedLocally = Date.now();
/** When this page was opened, by the server's clock. */
let openedAt = openedLocally;
let count = 0;

/** Adopts the server's clock for this page: the clock of a phone may be minutes off. */
export function setServerClock(date) {
  const offset = Date.parse(date) - Date.now();
  openedAt = openedLocally + (Math.abs(offset) > CLOCK_TOLERANCE_MS ? offset : 0);
}

/** Lists an event. It gets a toast if it was saved after the page was opened. */
export function showEvent(value, event) {
  count += 1;
  byId('count').textContent = count === 1 ? '1 event' : `${count} events`;
  const isEarlier = Date.parse(event.time) < openedAt;
  prependToList(createEventItem(value, event, isEarlier));
  if (!isEarlier) showToast(event.type, JSON.stringify(value));
}

function createEventItem(value, { type, time, lastEventId }, isEarlier) {
  const item = createElement('li', isEarlier ? 'earlier' : 'news');
  item.dataset.id = lastEventId;
  item.dataset.event = type;
  const about = createElement('span', 'about');
  about.append(createElement('span', 'id', `id ${lastEventId}`));
  if (isEarlier) about.append(createElement('span', 'mark', 'saved before this page was opened'));
  item.append(
    createElement('span', 'name', type),
    createTime(time),
    createElement('code', 'value', JSON.stringify(value)),
    about,
  );
  return item;
}

function createTime(time) {
  const element = createElement('time', '', new Date(time).toLocaleTimeString([], { hour12: false }));
  element.dateTime = time;
  element.title = time;
  return element;
}

/** Lists a gap, with its reason. */
export function showGap({ reason }) {
  const explanation = GAP_REASONS.get(reason) ?? '';
  const item = createElement('li', 'gap');
  item.dataset.gap = reason;
  item.append(
    createElement('span', 'name', 'Events may have been missed'),
    createElement('code', 'code', reason),
    createElement(
      'span',
      'why',
      `${explanation} A page that needs complete data should reload it now.`.trim(),
    ),
  );
  prependToList(item);
  showToast('Events may have been missed', explanation || reason, 'warning');
  // The page did not resume where the previous one stopped.
  byId('resumed').hidden = true;
}

function prependToList(item) {
  byId('empty').hidden = true;
  byId('arrived').prepend(item);
  while (byId('arrived').children.length > MAX_LIST_LENGTH) byId('arrived').lastChild.remove();
}

// ---- Toasts. They have their own area in the bar, and cover nothing.

function showToast(name, text, kind = '') {
  const item = createElement('li', `toast ${kind}`);
  const words = createElement('div', 'words');
  words.append(createElement('div', 'name', name), createElement('div', 'value', text));
  item.append(words, createDismissButton(item, `${name}: ${text}`));
  removeAfterDelay(item);
  byId('toasts').append(item);
  while (byId('toasts').children.length > MAX_TOASTS) byId('toasts').firstChild.remove();
}

function createDismissButton(item, description) {
  const button = createElement('button', '', '×');
  button.type = 'button';
  button.setAttribute('aria-label', `Dismiss ${description}`);
  button.addEventListener('click', () => {
    // Focus moves to another toast or to the list. Otherwise it would be lost with the button.
    const next = item.previousElementSibling ?? item.nextElementSibling;
    item.remove();
    (next?.querySelector('button') ?? byId('arrived')).focus();
  });
  return button;
}

/** Removes a toast after a while, but not while the user points at it or its button has the focus. */
function removeAfterDelay(item) {
  let timer;
  const cancel = () => clearTimeout(timer);
  const restart = () => {
    cancel();
    timer = setTimeout(() => item.remove(), TOAST_MS);
  };
  for (const name of ['pointerenter', 'focusin']) item.addEventListener(name, cancel);
  for (const name of ['pointerleave', 'focusout']) item.addEventListener(name, restart);
  restart();
}
