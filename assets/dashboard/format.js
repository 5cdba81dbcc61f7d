// Numbers with their units, as text.

const wholeNumber = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const shortNumber = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

export const count = (number) => wholeNumber.format(number);

/** `1 stream`, `2 streams` */
export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? '' : 's'}`;

/** At most three digits that count: more would change with each update. */
const rounded = (number) => (number >= 1000 ? wholeNumber.format(number) : shortNumber.format(number));

/** A rate without its unit. */
export const rate = (perSecond) => (perSecond > 0 && perSecond < 0.1 ? '< 0.1' : rounded(perSecond));

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytes(number) {
  let value = number;
  let unit = 0;
  while (value >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${rounded(unit === 0 ? Math.round(value) : value)} ${BYTE_UNITS[unit]}`;
}

/** A duration as `[number, unit]`. */
export function split(seconds) {
  if (seconds < 0.001) return [rounded(seconds * 1e6), 'µs'];
  if (seconds < 1) return [rounded(seconds * 1e3), 'ms'];
  return [rounded(seconds), 's'];
}

export const lag = (seconds) => split(seconds).join(' ');

/** How long ago something was, in whole units. */
export function age(seconds) {
  if (seconds < 1) return 'now';
  if (seconds < 100) return `${Math.floor(seconds)} s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 360_000) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** The time that recent counts are about. */
export const within = (seconds) => `in the last ${seconds >= 58 ? 'minute' : `${Math.round(seconds)} s`}`;

/** A text of the server as a sentence of its own. */
export function sentence(text) {
  const trimmed = text.trim();
  if (!trimmed) return '';
  const end = /[.!?]$/.test(trimmed) ? '' : '.';
  return trimmed[0].toUpperCase() + trimmed.slice(1) + end;
}

const escaped = (character) => `\\u${character.codePointAt(0).toString(16).padStart(4, '0')}`;

/** Shows characters that cannot be seen, or that change the direction of others, as escapes: `k\u202eevil`. */
export const visible = (text) =>
  text.replace(/[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu, escaped);
