// Remembers when each count last rose, so that the page can tell a current problem from a former one.

/** A count that rose within this time is current. */
const NOW_MS = 5000;

/** By group and name: the count, and when it has last risen. */
const seen = new Map();

/** Takes note of the counts of a group, such as `saves`. */
export function note(group, counts) {
  for (const { name, total } of counts) {
    const id = `${group} ${name}`;
    const { total: former = total, at = Number.NEGATIVE_INFINITY } = seen.get(id) ?? {};
    seen.set(id, { total, at: total > former ? performance.now() : at });
  }
}

/** Whether this happens now. */
export function happensNow(group, name) {
  const { at = Number.NEGATIVE_INFINITY } = seen.get(`${group} ${name}`) ?? {};
  return performance.now() - at < NOW_MS;
}
