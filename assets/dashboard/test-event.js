// The form that sends a test event.

import { sentence, visible } from './format.js';

const form = document.querySelector('#test-form');
const key = document.querySelector('#test-key');
const value = document.querySelector('#test-value');
const to = document.querySelector('#test-to');
const result = document.querySelector('#test-result');
const button = form.querySelector('button');

/** Offers the keys of `SSE_EVENTS`, and keeps the one that is chosen. */
export function setKeys(keys) {
  const options = keys.map(({ key: name, events, isPrivate }) => {
    const text = `${name} → ${events.join(', ')}${isPrivate ? ' (private)' : ''}`;
    const option = new Option(visible(text), name);
    option.selected = name === key.value;
    return option;
  });
  key.replaceChildren(...options);
}

function show(text, level, field) {
  result.dataset.level = level;
  result.textContent = visible(text);
  for (const input of [key, value, to]) {
    if (input === field) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }
  field?.focus();
}

/** The request. The value is sent as it was typed: to parse it here would change large numbers. */
function requestBody() {
  const names = to.value
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  return `{"key":${JSON.stringify(key.value)},"value":${value.value},"to":${JSON.stringify(names)}}`;
}

function jsonMistake() {
  if (!value.value.trim()) return 'The value is empty. For example, write 42 or "text".';
  try {
    JSON.parse(value.value);
  } catch (error) {
    return `The value is not JSON: ${error.message}. Text needs quotes, such as "hello".`;
  }
}

async function send() {
  const response = await fetch('./test-events', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: requestBody(),
  });
  const isJson = response.headers.get('Content-Type')?.startsWith('application/json');
  if (!isJson) throw new Error(`the server answered with status ${response.status}`);
  const answer = await response.json();
  if (response.ok) return `Saved. It triggers ${answer.events.join(', ')}, with the id ${answer.id}.`;
  throw new Error(answer.help ? `${answer.error}. ${sentence(answer.help)}` : answer.error);
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const mistake = jsonMistake();
  if (mistake) {
    show(mistake, 'bad', value);
    return;
  }
  button.disabled = true;
  show('Sending', 'pending');
  try {
    show(await send(), 'good');
  } catch (error) {
    show(`Not saved: ${error.message}`, 'bad');
  }
  button.disabled = false;
  button.focus();
});
