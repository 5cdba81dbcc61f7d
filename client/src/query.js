// Addresses.

/** The address with these parameters set, except those that are empty. */
export function withQuery(url, parameters) {
  const address = new URL(url);
  for (const [name, value] of Object.entries(parameters)) if (value) address.searchParams.set(name, value);
  return address.href;
}
