// The toasts: a message for a few seconds, over the page.

import { byId, createElement } from './dom.js';

/** More would cover the list of events, which a phone shows below the buttons. */
const MAX_TOASTS = 3;
const MAX_TOASTS_ON_PHONE = 2;
/** Long enough to read a toast. */
const TOAST_MS = 6000;
/** As many announcements as a screen reader may still have to read. */
const MAX_ANNOUNCEMENTS = 10;

/** Shows a message, and has screen readers announce it. */
export function showToast(message, source, kind = '') {
  const item = createElement('li', `toast ${kind}`);
  const words = createElement('div', 'words');
  words.append(createElement('div', 'message', message), createElement('div', 'source', source));
  item.append(words, createDismissButton(item, message));
  removeAfterDelay(item);
  byId('toasts').append(item);
  removeOldest();
  announce(message);
}

/** The log contains the message alone: a toast in a live region would also be announced with its button. */
function announce(message) {
  const log = byId('announcements');
  log.append(createElement('p', '', message));
  while (log.children.length > MAX_ANNOUNCEMENTS) log.firstChild.remove();
}

/** Removes toasts that are too many, but none that the user is about to dismiss. */
function removeOldest() {
  const toasts = [...byId('toasts').children];
  const limit = matchMedia('(min-width: 50rem)').matches ? MAX_TOASTS : MAX_TOASTS_ON_PHONE;
  const idle = toasts.slice(0, -1).filter((item) => !item.matches(':focus-within, :hover'));
  for (const item of idle.slice(0, Math.max(0, toasts.length - limit))) item.remove();
}

function createDismissButton(item, message) {
  const button = createElement('button', '', '×');
  button.type = 'button';
  button.setAttribute('aria-label', `Dismiss: ${message}`);
  button.addEventListener('click', () => dismiss(item));
  return button;
}

/** The focus of a toast moves to another one or to the list. Otherwise it would be lost with the button. */
function dismiss(item) {
  const hasFocus = item.contains(document.activeElement);
  const next = item.previousElementSibling ?? item.nextElementSibling;
  item.remove();
  if (hasFocus) (next?.querySelector('button') ?? byId('arrived')).focus();
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

// Escape dismisses the newest toast, wherever the focus is.
document.addEventListener('keydown', (event) => {
  const newest = byId('toasts').lastElementChild;
  // An input method uses Escape for itself.
  if (event.key !== 'Escape' || event.isComposing || event.defaultPrevented || !newest) return;
  event.preventDefault();
  dismiss(newest);
});
