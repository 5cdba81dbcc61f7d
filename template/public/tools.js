// The development tools of the page: a button for each event, and commands for a terminal.

import { byId, createElement, showText } from './dom.js';
import { setServerClock } from './events.js';

/** The app runs on the same machine, so it answers at once or not at all. */
const INFO_TIMEOUT_MS = 3000;
/** Long enough to read "Copied". */
const COPIED_MS = 2000;

let renderedInfo = '';
let areToolsEnabled = true;
let orderNumber = 0;

/** Loads the app's events and renders their buttons. */
export async function loadTools() {
  const response = await fetch('/info', { signal: AbortSignal.timeout(INFO_TIMEOUT_MS) });
  const info = await response.text();
  setServerClock(response.headers.get('date'));
  areToolsEnabled = response.status !== 404;
  byId('tools').hidden = !areToolsEnabled;
  byId('no-tools').hidden = areToolsEnabled;
  if (areToolsEnabled && !response.ok) throw new Error(info);
  const { cache, events } = areToolsEnabled ? JSON.parse(info) : { cache: '', events: [] };
  if (info !== renderedInfo) renderTools(cache, events);
  renderedInfo = info;
}

/** Whether the tools lack a button for this event, which may have been configured a moment ago. */
export const isButtonMissing = (name) =>
  areToolsEnabled &&
  ![...byId('buttons').querySelectorAll('button')].some(({ dataset }) => dataset.eventButton === name);

function renderTools(cache, events) {
  showText(byId('no-events'), events.length ? '' : 'SSE_EVENTS contains no events.');
  byId('buttons').replaceChildren(...events.map(createEventItem));
  byId('terminal').hidden = events.length === 0;
  if (events.length > 0) {
    const [{ key }] = events;
    renderCommand('echo-command', `echo '{"order":42}' > ${quoteForShell(`${cache}/${key}`)}`);
    renderCommand('save-command', `sse save ${quoteForShell(key)} '{"order":42}'`);
  }
}

const quoteForShell = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Shows a command. Its path may break into lines after a slash. */
function renderCommand(id, text) {
  const parts = text.split(/(?<=\S\/)/).flatMap((part) => [document.createElement('wbr'), part]);
  byId(id).replaceChildren(...parts);
}

function createEventItem({ event, key }) {
  const button = createElement('button');
  button.type = 'button';
  button.dataset.eventButton = event;
  button.append(
    createElement('span', 'name', event),
    createElement('span', 'key', key),
    createElement('span', 'act', 'Trigger'),
  );
  button.addEventListener('click', () => trigger(event, button));
  const item = createElement('li');
  item.append(button);
  return item;
}

async function trigger(event, button) {
  orderNumber += 1;
  button.setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(`/trigger/${encodeURIComponent(event)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ order: orderNumber, from: 'the page' }),
    });
    showText(byId('trigger-error'), response.ok ? '' : await describeError(response));
  } catch {
    showText(byId('trigger-error'), 'The app does not answer. Is it running?');
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
