// This file is yours: `sse install` writes it once and never changes it. Add your listeners here.
//
// A page needs one line: <script src="/js/sse-client.js"></script>
// Other scripts of the page use the client like this:
//   sseReady.then((sse) => sse.on('event_name1', (value, event) => { … }));

window.sseReady ??= import('./sse.js').then(({ SseClient }) => {
  const sse = new SseClient('/sse/stream');
  // Listeners that were written for an EventSource work, too: source.addEventListener('event_name1', …)
  const source = sse;
  const showToast = sseToasts();

  sse.on('event_name1', (value) => {
    showToast('event_name1', value);
  });

  sse.on('event_name2', (value) => {
    showToast('event_name2', value);
  });

  window.sse = sse;
  return source;
});

/** Returns a function that shows a title and a value in a corner of the page, for some seconds. Change it as you like. */
function sseToasts() {
  const SECONDS = 8;
  const MAX_TOASTS = 3;
  const MAX_DEPTH = 9;

  // Unlike a `style` element, this is allowed by a strict Content-Security-Policy.
  const styles = new CSSStyleSheet();
  styles.replaceSync(`
    .sse-toasts {
      all: initial; position: fixed; inset: auto 1em max(1em, env(safe-area-inset-bottom)); z-index: 9999;
      display: flex; flex-direction: column; gap: 0.5em; max-width: 23em; margin-left: auto;
      font: medium/1.4 system-ui, sans-serif; color-scheme: light dark;
      --ground: #fff; --text: #1b1c19; --quiet: #5c5d55; --line: #deded6; --accent: #0f6e5c; --shadow: 14%;
    }
    @media (prefers-color-scheme: dark) {
      .sse-toasts {
        --ground: #262924; --text: #ecede7; --quiet: #b3b5aa; --line: #3d403a; --accent: #5fcfb4; --shadow: 50%;
      }
    }
    .sse-toasts * { all: revert; } /* the page's own rules for p and button */
    .sse-toast {
      position: relative; padding: 0.75em 3em 0.75em 1em; overflow-wrap: anywhere;
      border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: 0.625em;
      background: var(--ground); color: var(--text); box-shadow: 0 0.375em 1.25em rgb(0 0 0 / var(--shadow));
    }
    .sse-toast p { margin: 0; font-weight: 600; unicode-bidi: plaintext; }
    .sse-toast p + p {
      display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden;
      color: var(--quiet); font-weight: 400;
    }
    .sse-toast button {
      position: absolute; top: 0; right: 0; width: 2.25em; height: 2.25em; padding: 0; border: 0;
      background: none; color: var(--quiet); font: 1.25em/1 system-ui, sans-serif; cursor: pointer;
    }
    .sse-toast button:hover { color: var(--text); }
    @keyframes sse-toast { from { opacity: 0; transform: translateY(0.75em); } }
    @media (prefers-reduced-motion: no-preference) { .sse-toast { animation: sse-toast 0.2s ease-out; } }
  `);
  document.adoptedStyleSheets.push(styles);

  // It is in the page before the first toast, so that screen readers announce that one, too.
  const area = document.createElement('div');
  area.className = 'sse-toasts';
  area.setAttribute('role', 'status');
  area.setAttribute('aria-atomic', 'false');
  document.body?.append(area);

  /** @param {Element | null} toast */
  const close = (toast) => {
    const next = toast?.previousElementSibling ?? toast?.nextElementSibling;
    if (toast?.contains(document.activeElement)) next?.querySelector('button')?.focus();
    toast?.remove();
  };
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !event.isComposing) close(area.lastElementChild);
  });

  /** @param {any} value @param {number} [depth] @returns {string} */
  const describe = (value, depth = 0) => {
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    if (typeof value !== 'object' || value === null) return String(value ?? 'none');
    if (depth === MAX_DEPTH) return '…';
    if (Array.isArray(value)) return value.map((inner) => describe(inner, depth + 1)).join(', ');
    const fields = Object.entries(value);
    return fields
      .map(([name, inner]) => `${name.replaceAll('_', ' ')} ${describe(inner, depth + 1)}`)
      .join(', ');
  };

  /** The value as a short text: { order: 42, paid: true } is "Order 42, paid yes".
   * @param {unknown} value */
  const toText = (value) => {
    if (typeof value === 'string') return value;
    return describe(value).replace(/^./u, (letter) => letter.toUpperCase());
  };

  /** @param {string} title @param {unknown} value */
  return (title, value) => {
    const toast = document.createElement('div');
    toast.className = 'sse-toast';
    for (const text of [title, toText(value)]) {
      // `textContent`: a value may come from any user, so it is text and never HTML.
      toast.appendChild(document.createElement('p')).textContent = text.slice(0, 300);
    }
    const button = toast.appendChild(document.createElement('button'));
    button.type = 'button';
    button.textContent = '×';
    button.setAttribute('aria-label', 'Close');
    button.onclick = () => close(toast);

    if (!area.isConnected) document.body.append(area);
    area.append(toast);
    if (area.children.length > MAX_TOASTS) close(area.firstElementChild);

    let seconds = SECONDS;
    const timer = setInterval(() => {
      // It stays while the page is hidden, and while it is read or used.
      const isWaiting = document.hidden || toast.matches(':hover, :focus-within');
      if (toast.isConnected && (isWaiting || --seconds > 0)) return;
      clearInterval(timer);
      close(toast);
    }, 1000);
  };
}
