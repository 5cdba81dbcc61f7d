// Values that other pages can read.

/**
 * What the storage of this name has under the key, after storing `value` if it is given; an empty value removes
 * it. Null if there is none, undefined where the browser denies the page access to the storage.
 */
export function stored(storageName, key, value) {
  try {
    const storage = globalThis[storageName];
    if (value) storage.setItem(key, value);
    else if (value === '') storage.removeItem(key);
    return storage.getItem(key);
  } catch {
    return undefined;
  }
}
