// Warns of listeners that are never called, because no event has their name.

/** Events of the client itself; `*` stands for all app events. */
const OWN_NAMES = /^(open|error|\*|sse\..*)$/;
/** A far-fetched suggestion misleads: three letters in five must match. */
const MAX_DIFFERENCE = 0.4;
/** Longer names are not compared: nobody types them, and the time grows with the square of the length. */
const MAX_COMPARED_LENGTH = 64;

export class ListenerCheck {
  /** The events that the page asks for; empty for all. */
  requested = [];
  #listened = new Set();
  #warned = new Set();
  /** The events that this client may receive; empty if the server has not named them. */
  #events = [];

  setEvents(events) {
    this.#events = events;
    for (const name of this.#listened) this.#check(name);
  }

  addListener(name) {
    this.#listened.add(name);
    this.#check(name);
  }

  #check(name) {
    if (!this.#events.length || this.#warned.has(name) || OWN_NAMES.test(name)) return;
    const reason = this.#reason(name);
    if (!reason) return;
    this.#warned.add(name);
    console.warn(`sse.js: the listener for "${name}" is never called, because ${reason}`);
  }

  /** Why no event calls the listeners of this name; undefined if one may. */
  #reason(name) {
    if (!this.#events.includes(name)) {
      const list = this.#events.join(', ');
      return `this page receives no event of this name. ${hint(name, this.#events)}Its events are: ${list}.`;
    }
    if (this.requested.length && !this.requested.includes(name)) {
      return 'the option `events` of the client does not contain it.';
    }
    return undefined;
  }
}

function hint(name, events) {
  if (name === 'message') return "To receive all events, use on('*', …). ";
  let suggestion = '';
  let least = MAX_DIFFERENCE;
  for (const event of events) {
    const length = Math.max(name.length, event.length);
    if (length > MAX_COMPARED_LENGTH) continue;
    const proportion = difference(name.toLowerCase(), event.toLowerCase()) / length;
    if (proportion > least || (proportion === least && suggestion)) continue;
    least = proportion;
    suggestion = `Did you mean "${event}"? `;
  }
  return suggestion;
}

/** How many letters must be changed, added or removed (Levenshtein). */
function difference(a, b) {
  let row = [...Array(b.length + 1).keys()];
  for (const letter of a.split('')) {
    const above = row;
    row = [above[0] + 1];
    for (let column = 0; column < b.length; column += 1) {
      const replaced = above[column] + (letter === b[column] ? 0 : 1);
      row.push(Math.min(replaced, above[column + 1] + 1, row[column] + 1));
    }
  }
  return row.at(-1);
}
