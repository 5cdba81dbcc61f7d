// Which of two ids lies behind the other.

/**
 * How the places of two ids lie to each other: below 0, 0 or above 0, and NaN where that cannot be said,
 * because they are of two journals or not of our server. `E-42.1` is inside of entry 42, `E-42` behind it.
 */
export function order(a, b) {
  const [x, y] = [a, b].map((id) => /^([0-9a-f]{16}-)(\d+)(?:\.(\d+))?$/.exec(id));
  if (x?.[1] !== y?.[1] || !x) return NaN;
  const part = (id) => Number(id[3] ?? Number.MAX_SAFE_INTEGER);
  return x[2] - y[2] || part(x) - part(y);
}
