// Waits for the scripts that the page's HTML names.

/** A script of another site may load for longer. The stream does not wait for it. */
const MAX_WAIT_MS = 5000;

/** Calls `work` when they have run, at once if they have run already, and never if `signal` has aborted before. */
export function afterPageScripts(work, signal) {
  const { document } = globalThis;
  if (haveRun(document)) return work();
  let isOver = false;
  const end = () => {
    clearTimeout(timer);
    if (!isOver && !signal.aborted) work();
    isOver = true;
  };
  const timer = setTimeout(end, MAX_WAIT_MS);
  const once = { once: true };
  document.addEventListener('DOMContentLoaded', end, once);
  // For browsers that round the time of `DOMContentLoaded` down to 0.
  addEventListener('load', end, once);
  signal.addEventListener('abort', end, once);
}

/**
 * The HTML standard, "The end": a document becomes `interactive`, then its deferred and module scripts run, then
 * `DOMContentLoaded` is dispatched. So `readyState` alone does not tell whether they have run.
 */
function haveRun(document) {
  if (!document || document.readyState === 'complete') return true;
  if (document.readyState === 'loading') return false;
  return performance.getEntriesByType('navigation')[0]?.domContentLoadedEventStart !== 0;
}
