// The list of received events.

import { byId, createElement, formatTime } from './dom.js';
import { describe } from './sentence.js';
import { showToast } from './toasts.js';

/** Older events leave the list, so that an open page does not grow without end. */
const MAX_LIST_LENGTH = 100;
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
  if (!isEarlier) showToast(describe(value), event.type);
}

/** Browsers cannot write values that are nested thousands of times, and the list shows the event nevertheless. */
function toJson(value) {
  try {
    return JSON.stringify(value);
  } catch {
    return 'nested too deeply to be shown';
  }
}

function createEventItem(value, { type, time, lastEventId }, isEarlier) {
  const item = createElement('li', isEarlier ? 'earlier' : 'news');
  item.dataset.id = lastEventId;
  item.dataset.event = type;
  const about = createElement('span', 'about');
  about.append(
    createElement('span', 'name', type),
    createElement('code', 'value', toJson(value)),
    createElement('code', 'id', `id ${lastEventId}`),
  );
  if (isEarlier) about.append(createElement('span', 'mark', 'saved before this page was opened'));
  item.append(createElement('span', 'sentence', describe(value)), createTime(time), about);
  return item;
}

function createTime(time) {
  const element = createElement('time', '', formatTime(new Date(time)));
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
    createElement('span', 'sentence', 'Events may have been missed'),
    createElement('code', 'code', reason),
    createElement(
      'span',
      'why',
      `${explanation} A page that needs complete data should reload it now.`.trim(),
    ),
  );
  prependToList(item);
  showToast('Events may have been missed', explanation || reason, 'warning');
}

function prependToList(item) {
  byId('empty').hidden = true;
  byId('arrived').prepend(item);
  while (byId('arrived').children.length > MAX_LIST_LENGTH) byId('arrived').lastChild.remove();
}
