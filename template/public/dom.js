// Helpers for the page's elements. They set text only, never HTML, because texts come from outside.

export const byId = (id) => document.getElementById(id);

/** Creates an element with a class and a text. */
export function createElement(tag, className = '', text = '') {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Sets the text of an element, or hides the element if the text is empty. */
export function showText(element, text) {
  // Screen readers announce a live region whenever it is written to, even with the same text.
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === '';
}

export const formatTime = (date) => date.toLocaleTimeString([], { hour12: false });
