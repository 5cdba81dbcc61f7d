// Which server the figures are of.

import { age } from './format.js';
import { setText } from './tables.js';

const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

const line = document.querySelector('#server');
const notice = document.querySelector('#notice');

/** `09:34`, and its day if it was not today. */
function clock(at) {
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? time.format(at) : `${date.format(at)}, ${time.format(at)}`;
}

/** Whether both are the same process. What has no name yet may be any. */
export function isSame(server, other) {
  if (!server || !other) return true;
  return ['name', 'processId', 'startedAt'].every((part) => server[part] === other[part]);
}

export function showServer(server) {
  if (!server) return;
  const startedAt = new Date(server.startedAt);
  const seconds = (Date.now() - startedAt) / 1000;
  const ago = seconds < 1 ? 'just now' : `${age(seconds)} ago`;
  setText(line, `${server.name} · started ${clock(startedAt)}, ${ago}. All figures are of this server only.`);
}

export function noticeOtherServer(server, former) {
  const started = `started ${clock(new Date(server.startedAt))}`;
  const before = server.name === former.name ? '' : `, before it ${former.name}`;
  setText(notice, `Since ${clock(new Date())} another server answers: ${server.name}, ${started}${before}.`);
  notice.hidden = false;
}
