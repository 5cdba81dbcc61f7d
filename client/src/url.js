// Query parameters of the stream's URL.

/** Sets these parameters in the URL, except those whose value is empty. */
export function withQuery(url, parameters) {
  const result = new URL(url);
  for (const [name, value] of Object.entries(parameters)) if (value) result.searchParams.set(name, value);
  return result.href;
}
