// The first line: whether something needs the operator.

import { age, plural, sentence } from './format.js';
import { findProblems } from './problems.js';
import { setText } from './tables.js';

const box = document.querySelector('#health');
const title = document.querySelector('#health-title');
const list = document.querySelector('#problems');

const TITLES = { good: 'All is well', warn: 'Worth a look', bad: 'Something is wrong' };

let summary = '';
let problemCount = 0;

export function showHealth(state) {
  const problems = findProblems(state);
  const isBad = problems.some(({ level }) => level === 'bad');
  const level = isBad ? 'bad' : problems.length ? 'warn' : 'good';
  box.dataset.level = level;
  summary = TITLES[level];
  problemCount = problems.length;
  const texts = problems.map(({ text, help }) => (help ? `${text} ${sentence(help)}` : text));
  while (list.children.length > texts.length) list.lastElementChild.remove();
  texts.forEach((text, index) => {
    setText(list.children[index] ?? list.appendChild(document.createElement('li')), text);
  });
  setText(document.querySelector('#hint'), problems.length ? '' : hint(state));
}

/** The titles of the box and of the tab. */
export function showTitles(isLost, server) {
  setText(title, isLost ? `Last known: ${summary}` : summary);
  const problems = problemCount ? `(${problemCount}) ${summary}` : 'Live notifications';
  const texts = [isLost ? 'No connection' : problems, server?.name];
  document.title = texts.filter(Boolean).join(' · ');
}

function hint({ streams, recentEvents, cache }) {
  const nothing = cache?.newest ? 'nothing was saved since this server’s start' : 'nothing was saved yet';
  if (!streams.open && !recentEvents.length) {
    return `No stream is open, and ${nothing}. Open a page of the app that listens, or send a test event.`;
  }
  const listen = streams.open === 1 ? 'listens' : 'listen';
  const listeners = streams.open ? `${plural(streams.open, 'stream')} ${listen}` : 'Nobody listens now';
  if (!recentEvents.length) return `${listeners}; ${nothing}.`;
  const [{ age: newest }] = recentEvents;
  if (newest === null) return `${listeners}.`;
  return `${listeners}; the newest value was saved ${newest < 1 ? 'just now' : `${age(newest)} ago`}.`;
}
