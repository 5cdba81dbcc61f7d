// Says what a value means. Add your own kinds of values at the beginning of `describe`.

/** As many characters as a toast shows. */
const MAX_LENGTH = 140;
/** As many properties, or items of a list, as a reader takes in at a glance. */
const MAX_PARTS = 4;

/** A sentence for a value of any shape. */
export function describe(value) {
  if (isPlain(value?.order)) return shorten(`Order ${value.order} was placed`);
  const text = value?.message ?? value?.text ?? value?.title;
  return shorten(isPlain(text) ? String(text) : describeAny(value));
}

const isPlain = (value) => ['string', 'number', 'boolean'].includes(typeof value);

function describeAny(value) {
  if (value === '') return 'An empty text';
  if (isPlain(value)) return String(value);
  if (value === null || value === undefined) return 'No value';
  if (Array.isArray(value)) return value.length ? join(value.map(describeInside)) : 'An empty list';
  const entries = Object.entries(value);
  if (entries.length === 0) return 'An empty object';
  return join(entries.map(([key, inner]) => `${key.replaceAll('_', ' ')}: ${describeInside(inner)}`));
}

/** What is inside of a list or an object. */
function describeInside(value) {
  if (value === null) return 'none';
  if (isPlain(value)) return String(value);
  return Array.isArray(value) ? `${value.length} items` : Object.keys(value).join(' and ') || 'empty';
}

function join(parts) {
  const more = parts.length - MAX_PARTS;
  return parts.slice(0, MAX_PARTS).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

function shorten(text) {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1).trimEnd()}…` : line;
}
