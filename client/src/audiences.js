// The audience names that a page asks for.

/** The server's limits. */
const MAX_NAMES = 100;
const MAX_NAME_BYTES = 200;
/** The server's list: `,` separates names in the URL, and a user called `*` must not become everybody. */
const FORBIDDEN = /[*,\p{Cc}\u2028-\u202e\u2066-\u2069]/u;

/** The names in the option `to`, sorted and without duplicates: tabs with the same names share a connection. */
export function audienceNames(to) {
  const names = [...new Set(Array.isArray(to) ? to : [to])].sort();
  if (names.length > MAX_NAMES) {
    throw new TypeError(
      `sse.js: the option \`to\` contains ${names.length} names: ask for ${MAX_NAMES} at most`,
    );
  }
  for (const name of names) if (!isName(name)) throw new TypeError(explain(name));
  return names;
}

function isName(name) {
  if (typeof name !== 'string' || name === '' || name !== name.trim() || FORBIDDEN.test(name)) return false;
  return new TextEncoder().encode(name).length <= MAX_NAME_BYTES;
}

function explain(name) {
  const text = typeof name === 'string' ? JSON.stringify(name.slice(0, MAX_NAME_BYTES)) : typeof name;
  return `sse.js: the option \`to\` contains ${text}, which is not an audience name: pass a text such as "order:42" of at most ${MAX_NAME_BYTES} bytes, without "*", ",", control characters and white space at its ends; pass several names as an array`;
}
