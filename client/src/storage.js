// Values that the next page of a tab can read.

/**
 * What this tab has stored under the key, after storing `value` if it is given. Undefined where the browser
 * denies the page access to `sessionStorage`.
 */
export function stored(key, value) {
  try {
    if (value !== undefined) sessionStorage.setItem(key, value);
    return sessionStorage.getItem(key);
  } catch {
    return undefined;
  }
}
