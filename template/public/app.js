// The starter page: all that the client of sse-client.js can tell, and a button for each event.
// Everything that comes from outside is put in as text, never as HTML.

const LIST_LENGTH = 100;
const TOASTS = 3;
const TOAST_MS = 6000;
/** The server names its time in whole seconds, so a smaller difference says nothing. */
const CLOCK_MS = 2000;

const STATUS = {
  idle: 'Starting',
  connecting: 'Connecting',
  open: 'Connected',
  reconnecting: 'Reconnecting',
  closed: 'Closed',
  unsupported: 'Not supported here',
};

/** By a gap's reason, what has happened. */
const GAPS = new Map([
  ['unknown-id', 'The server cannot read the place that this page asked to go on from.'],
  ['other-epoch', 'The server’s cache folder was emptied or replaced, and what came before is gone with it.'],
  ['expired', 'What was saved meanwhile has outlived its time to live.'],
  ['swept', 'So much was saved meanwhile that the server has dropped the oldest.'],
  ['unreadable', 'The server cannot read back some of what was saved.'],
  ['connection-lost', 'The connection was lost before the server had named a place to go on from.'],
]);

/** By the HTTP status of a refusal that is final, what it means. */
const REFUSALS = new Map([
  [204, 'There is nothing to listen to.'],
  [401, 'Only who is signed in may listen.'],
  [403, 'You may not listen.'],
  [404, 'There is no stream at this address.'],
  [410, 'The stream at this address is gone.'],
]);

const byId = (id) => document.getElementById(id);

/** A new element with a class and a text. */
function element(tag, className = '', text = '') {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

/** Shows the text in the element, or hides the element when there is none. */
function show(node, text) {
  // A live region that is written to speaks, whether or not its text is another.
  if (node.textContent !== text) node.textContent = text;
  node.hidden = text === '';
}

// ---- Buttons and commands, from the app's configuration

let drawn = '';
/** They are development tools, and most visitors have none. */
let hasTools = true;

/** Asks the app for its events, and draws what depends on them. */
async function loadEvents() {
  const answer = await fetch('/info', { signal: AbortSignal.timeout(3000) });
  const info = await answer.text();
  setClock(answer.headers.get('date'));
  hasTools = answer.status !== 404;
  byId('tools').hidden = !hasTools;
  byId('no-tools').hidden = hasTools;
  if (hasTools && !answer.ok) throw new Error(info);
  const { cache, events } = hasTools ? JSON.parse(info) : { cache: '', events: [] };
  if (info !== drawn) drawEvents(cache, events);
  drawn = info;
}

function drawEvents(cache, events) {
  show(byId('no-events'), events.length ? '' : 'No event is configured yet.');
  byId('buttons').replaceChildren(...events.map(eventButton));
  byId('terminal').hidden = events.length === 0;
  if (events.length > 0) {
    const [{ key }] = events;
    command('echo-command', `echo '{"order":42}' > ${shellWord(`${cache}/${key}`)}`);
    command('save-command', `sse save ${shellWord(key)} '{"order":42}'`);
  }
}

const shellWord = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Shows a command, whose path may be broken into lines after its slashes. */
function command(id, text) {
  const parts = text.split(/(?<=\S\/)/).flatMap((part) => [document.createElement('wbr'), part]);
  byId(id).replaceChildren(...parts);
}

function eventButton({ event, key }) {
  const button = element('button');
  button.type = 'button';
  button.dataset.eventButton = event;
  button.append(
    element('span', 'name', event),
    element('span', 'key', key),
    element('span', 'act', 'Trigger'),
  );
  button.addEventListener('click', () => trigger(event, button));
  const item = element('li');
  item.append(button);
  return item;
}

const hasButton = (name) =>
  [...byId('buttons').querySelectorAll('button')].some(({ dataset }) => dataset.eventButton === name);

let order = 0;

async function trigger(event, button) {
  order += 1;
  button.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(`/trigger/${encodeURIComponent(event)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ order, from: 'the page' }),
    });
    show(
      byId('trigger-error'),
      answer.ok ? '' : (await answer.text()).trim() || `The app answered ${answer.status}.`,
    );
  } catch {
    show(byId('trigger-error'), 'The app does not answer. Is it running?');
  } finally {
    button.removeAttribute('aria-busy');
  }
}

for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    const copied = await copy(byId(button.dataset.copy));
    button.textContent = copied ? 'Copied' : 'Selected';
    byId('said').textContent = copied ? 'Command copied' : 'Command selected';
    setTimeout(() => {
      button.textContent = 'Copy';
      byId('said').textContent = '';
    }, 2000);
  });
}

/** Copies, or selects where the browser allows no copying: on a plain http address in the local network. */
async function copy(node) {
  try {
    await navigator.clipboard.writeText(node.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(node);
    return false;
  }
}

// ---- Events

const openedHere = Date.now();
/** When this page was opened, by the server's clock. */
let opened = openedHere;

/** A phone's clock may be minutes off, and the times of events are the server's. */
function setClock(date) {
  const ahead = Date.parse(date) - Date.now();
  opened = openedHere + (Math.abs(ahead) > CLOCK_MS ? ahead : 0);
}

let count = 0;

/** Lists an event. What was saved before the page was opened is no news, and makes no toast. */
function arrived(value, event) {
  count += 1;
  byId('count').textContent = count === 1 ? '1 event' : `${count} events`;
  const isEarlier = Date.parse(event.time) < opened;
  list(eventItem(value, event, isEarlier));
  if (!isEarlier) toast(event.type, JSON.stringify(value));
  // It may have been configured just now.
  if (hasTools && !hasButton(event.type)) loadEvents().catch(() => {});
}

function eventItem(value, { type, time, lastEventId }, isEarlier) {
  const item = element('li', isEarlier ? 'earlier' : 'news');
  item.dataset.id = lastEventId;
  item.dataset.event = type;
  const about = element('span', 'about');
  about.append(element('span', 'id', `id ${lastEventId}`));
  if (isEarlier) about.append(element('span', 'mark', 'saved before this page was opened'));
  item.append(
    element('span', 'name', type),
    timeOf(time),
    element('code', 'value', JSON.stringify(value)),
    about,
  );
  return item;
}

function timeOf(time) {
  const node = element('time', '', new Date(time).toLocaleTimeString([], { hour12: false }));
  node.dateTime = time;
  node.title = time;
  return node;
}

function gap({ reason }) {
  const about = GAPS.get(reason) ?? '';
  const item = element('li', 'gap');
  item.dataset.gap = reason;
  item.append(
    element('span', 'name', 'Something may have been missed'),
    element('code', 'code', reason),
    element('span', 'why', `${about} A page that must be complete loads afresh now.`.trim()),
  );
  list(item);
  toast('Possible gap', about || reason, 'warning');
  // Then it was not picked up where it was left.
  byId('resumed').hidden = true;
}

function list(item) {
  byId('empty').hidden = true;
  byId('arrived').prepend(item);
  while (byId('arrived').children.length > LIST_LENGTH) byId('arrived').lastChild.remove();
}

// ---- Toasts. They have a place of their own in the bar, and cover nothing.

function toast(name, text, kind = '') {
  const item = element('li', `toast ${kind}`);
  const words = element('div', 'words');
  words.append(element('div', 'name', name), element('div', 'value', text));
  item.append(words, dismiss(item, `${name}: ${text}`));
  leaveInTime(item);
  byId('toasts').append(item);
  while (byId('toasts').children.length > TOASTS) byId('toasts').firstChild.remove();
}

function dismiss(item, what) {
  const button = element('button', '', '×');
  button.type = 'button';
  button.setAttribute('aria-label', `Dismiss ${what}`);
  button.addEventListener('click', () => {
    // The keyboard's place goes to a toast that is left, or to the list, and not to the top of the page.
    const next = item.previousElementSibling ?? item.nextElementSibling;
    item.remove();
    (next?.querySelector('button') ?? byId('arrived')).focus();
  });
  return button;
}

/** It stays while someone reads it or is about to press its button. */
function leaveInTime(item) {
  let timer;
  const stay = () => clearTimeout(timer);
  const leave = () => {
    stay();
    timer = setTimeout(() => item.remove(), TOAST_MS);
  };
  for (const name of ['pointerenter', 'focusin']) item.addEventListener(name, stay);
  for (const name of ['pointerleave', 'focusout']) item.addEventListener(name, leave);
  leave();
}

// ---- The connection

const UNSUPPORTED = { title: 'This browser cannot listen', why: 'It lacks what reads a stream.' };
const CLOSED = { title: 'The stream is closed', why: 'A script of this page has closed it.' };

/** What went wrong last, until the stream is open again. */
let trouble;

function showConnection(sse) {
  byId('status').dataset.status = sse.status;
  show(byId('status'), STATUS[sse.status]);
  show(byId('tabs'), sharing(sse));
  byId('place').textContent = sse.lastEventId || 'None yet';
  showReason(sse);
}

/** Whose connection brings the events. */
function sharing({ status, leading }) {
  if (status === 'closed' || status === 'unsupported') return 'No connection';
  if (!navigator.locks || !window.BroadcastChannel) {
    return 'This tab has a connection of its own. Tabs share one over https, or on localhost.';
  }
  if (leading) return 'This tab holds the connection for all tabs';
  return status === 'connecting' ? 'Looking for another tab' : 'Shares the connection of another tab';
}

/** Says why nothing arrives, and what to do. */
function showReason({ status }) {
  const { title, why, body, next } = reason(status) ?? {};
  const hasKeyboard = byId('reason').contains(document.activeElement);
  show(byId('reason-title'), title ?? '');
  show(byId('reason-why'), why ?? '');
  show(byId('reason-text'), body ?? '');
  show(byId('reason-next'), next ?? '');
  byId('again').hidden = status !== 'closed' && status !== 'connecting';
  byId('again').textContent = status === 'connecting' ? 'Trying again' : 'Try again';
  byId('reason').hidden = !title;
  // Where the button was, nothing is left for the keyboard.
  if (!title && hasKeyboard) byId('connection').focus();
}

function reason(status) {
  if (status === 'unsupported') return UNSUPPORTED;
  if (status === 'closed') return trouble?.final ? trouble : CLOSED;
  // While it is tried once more, the button keeps its place, and the keyboard the button.
  return status === 'connecting' || status === 'reconnecting' ? trouble : undefined;
}

/** What is to be said about an error of the client. */
function explained({ status, body, final }) {
  const title = final ? 'The stream was refused' : 'The stream is not available';
  const answered = `The app answered ${status}.`;
  const retried = 'This page tries again by itself.';
  if (status === undefined) return { title, why: 'The app does not answer. Is it running?', next: retried };
  const restart = 'After a change of .env, restart the app.';
  if (!final) return { title, why: answered, body: body.trim(), next: `${retried} ${restart}` };
  const why = `${REFUSALS.get(status) ?? 'The app does not want to be asked again.'} ${answered}`;
  return { final, title, why, body: body.trim(), next: 'This page does not try again by itself.' };
}

/** Shows all that the client tells. It hears events of every name, also of those that are configured later. */
function follow(sse) {
  const isResumed = sse.lastEventId !== '';
  const showAll = () => showConnection(sse);
  sse.on('*', arrived);
  sse.on('sse.gap', gap);
  sse.on('error', (_, event) => {
    trouble = explained(event);
  });
  sse.on('open', opening);
  sse.once('open', () => {
    byId('resumed').hidden = !isResumed;
  });
  for (const name of ['*', 'open', 'error', 'sse.status', 'sse.leading', 'sse.heartbeat', 'sse.gap']) {
    sse.on(name, showAll);
  }
  byId('again').addEventListener('click', () => sse.connect());
  showAll();
}

function opening() {
  trouble = undefined;
  show(byId('trigger-error'), '');
  loadEvents().catch(() => show(byId('no-events'), 'The app does not say which events it has.'));
}

/** Says that there is no client, because its script did not load. */
function giveUp() {
  trouble = { final: true, title: 'The client did not load', why: 'The app does not give out /js/sse.js.' };
  byId('again').addEventListener('click', () => location.reload());
  showConnection({ status: 'closed' });
}

loadEvents().catch(() => {});
window.sseReady.then(follow, giveUp);
