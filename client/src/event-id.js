// The order of event ids.

/**
 * Compares two event ids: negative if `a` comes before `b`, 0 if they are equal, positive if `a` comes
 * after `b`. NaN if they cannot be compared: they belong to different journals, or another server wrote them.
 * `E-42.PART` is after one of several events of entry 42 of journal `E`; `E-42` is after all events of that entry.
 */
export function compareEventIds(a, b) {
  const [x, y] = [a, b].map((id) => /^([0-9a-f]{16}-)(\d+)(?:\.([0-9a-f]{8}))?$/.exec(id));
  if (x?.[1] !== y?.[1] || !x) return NaN;
  const part = (id) => (id[3] ? parseInt(id[3], 16) : Number.MAX_VALUE);
  return x[2] - y[2] || part(x) - part(y);
}
