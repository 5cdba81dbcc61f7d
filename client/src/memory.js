// What outlives a page.

/** What this tab remembers of a stream between pages; nothing, where pages may remember nothing. */
export function stored(url, id) {
  try {
    const key = `sse ${url}`;
    if (id !== undefined) sessionStorage.setItem(key, id);
    return sessionStorage.getItem(key);
  } catch {
    return undefined;
  }
}
