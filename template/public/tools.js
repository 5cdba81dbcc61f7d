// The development tools of the page: a button for each event, and commands for a terminal.

import { byId, createElement, showText } from './dom.js';
import { setServerClock } from './events.js';
import { showToast } from './toasts.js';

/** The app runs on the same machine, so it answers at once or not at all. */
const INFO_TIMEOUT_MS = 3000;
/** Long enough to read "Copied". */
const COPIED_MS = 2000;

let renderedInfo = '';
let areToolsEnabled = true;
let orderNumber = 0;

/**
 * Loads the app's events and renders their buttons. Returns why the app cannot use its .env, or an empty text. The
 * app tells that, and the events, only to browsers on its own machine.
 */
export async function loadTools() {
  if (!areToolsEnabled) return '';
  try {
    const response = await fetch('/info', { signal: AbortSignal.timeout(INFO_TIMEOUT_MS) });
    const info = await response.text();
    setServerClock(response.headers.get('date'));
    return showTools(response, info);
  } catch {
    // Without an answer, the connection is lost as well, which the page shows.
    return '';
  }
}

function showTools(response, info) {
  areToolsEnabled = response.status !== 404;
  byId('tools').hidden = !areToolsEnabled;
  byId('no-tools').hidden = areToolsEnabled;
  if (!areToolsEnabled) return '';
  if (!response.ok) {
    if (!renderedInfo) showText(byId('no-events'), 'The buttons appear when the app can use its .env.');
    return info.trim();
  }
  const { events, problem } = JSON.parse(info);
  if (info !== renderedInfo) renderTools(events);
  renderedInfo = info;
  return problem ?? '';
}

/** Whether the tools lack a button for this event, which may have been configured a moment ago. */
export const isButtonMissing = (name) =>
  areToolsEnabled &&
  ![...byId('buttons').querySelectorAll('button')].some(({ dataset }) => dataset.eventButton === name);

function renderTools(events) {
  showText(byId('no-events'), events.length ? '' : 'SSE_EVENTS contains no events.');
  renderButtons(events);
  // The commands name no audience, without which a private key accepts no value.
  const example = events.find((event) => !event.private);
  byId('terminal').hidden = !example;
  if (example) {
    const { key, file } = example;
    byId('files').hidden = file === null;
    if (file !== null) renderCommand('echo-command', `echo '{"order":42}' > ${quoteForShell(file)}`);
    renderCommand('save-command', `sse save ${quoteForShell(key)} '{"order":42}'`);
  }
}

/** A button that is already there stays where it is, with its focus. */
function renderButtons(events) {
  const list = byId('buttons');
  const items = events.map(createEventItem);
  const texts = new Set(items.map((item) => item.textContent));
  for (const item of [...list.children]) if (!texts.has(item.textContent)) item.remove();
  items.forEach((item, index) => {
    const present = list.children[index];
    if (present?.textContent !== item.textContent) list.insertBefore(item, present ?? null);
  });
  while (list.children.length > items.length) list.lastChild.remove();
}

const quoteForShell = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Shows a command. Its path may break into lines after a slash. */
function renderCommand(id, text) {
  const parts = text.split(/(?<=\S\/)/).flatMap((part) => [document.createElement('wbr'), part]);
  byId(id).replaceChildren(...parts);
}

function createEventItem({ event, key, private: isPrivate }) {
  const button = createElement('button');
  button.type = 'button';
  button.dataset.eventButton = event;
  button.append(
    createElement('span', 'name', event),
    createElement('span', 'key', isPrivate ? `${key} (private)` : key),
  );
  if (isPrivate) {
    button.disabled = true;
    button.title = `Values of ${key} need an audience: .to(…) in the app, or sse save --to`;
  }
  button.addEventListener('click', () => trigger(event, key, button));
  const item = createElement('li');
  item.append(button);
  return item;
}

async function trigger(event, key, button) {
  orderNumber += 1;
  button.setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(`/trigger/${encodeURIComponent(key)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ order: orderNumber, from: 'the page' }),
    });
    if (!response.ok) showToast(await describeError(response), event, 'warning');
  } catch {
    showToast('The app does not answer. Is it running?', event, 'warning');
  } finally {
    button.removeAttribute('aria-busy');
  }
}

async function describeError(response) {
  return (await response.text()).trim() || `The app answered ${response.status}.`;
}

for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    const isCopied = await copyText(byId(button.dataset.copy));
    button.textContent = isCopied ? 'Copied' : 'Selected';
    byId('copy-status').textContent = isCopied ? 'Command copied' : 'Command selected';
    setTimeout(() => {
      button.textContent = 'Copy';
      byId('copy-status').textContent = '';
    }, COPIED_MS);
  });
}

/** Copies the text of an element, or selects it: browsers deny the clipboard to plain http pages. */
async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return false;
  }
}
