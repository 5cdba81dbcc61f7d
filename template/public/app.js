// The page: a button per event, toasts, the list of what arrived, the connection's status.
// Everything that comes from outside is put in as text, never as HTML.

(() => {
  const LIST_LENGTH = 100;
  const TOASTS = 3;
  const TOAST_MS = 6000;
  const STATUS_TEXT = {
    idle: 'Starting',
    connecting: 'Connecting',
    open: 'Connected',
    reconnecting: 'Reconnecting',
    closed: 'Closed',
    unsupported: 'Not supported here',
  };

  const byId = (id) => document.getElementById(id);

  /** A new element with a class and a text. */
  function element(tag, className = '', text = '') {
    const node = document.createElement(tag);
    node.className = className;
    node.textContent = text;
    return node;
  }

  /** Shows the text in the element, or hides the element when there is none. */
  function show(node, text) {
    node.textContent = text;
    node.hidden = text === '';
  }

  // ---- Buttons and commands, from the app's configuration

  let drawn = '';

  /** Asks the app for its events, draws what depends on them, and gives their names. */
  async function loadEvents() {
    const info = await (await fetch('/info', { signal: AbortSignal.timeout(3000) })).text();
    const { cache, events } = JSON.parse(info);
    if (info !== drawn) drawEvents(cache, events);
    drawn = info;
    return events.map(({ event }) => event);
  }

  function drawEvents(cache, events) {
    byId('no-events').hidden = events.length > 0;
    byId('buttons').replaceChildren(...events.map(eventButton));
    byId('terminal').hidden = events.length === 0;
    if (events.length > 0) {
      const [{ key }] = events;
      command('echo-command', `echo '{"order":42}' > ${shellWord(`${cache}/${key}`)}`);
      command('save-command', `sse save ${shellWord(key)} '{"order":42}'`);
    }
  }

  const shellWord = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

  /** Shows a command, whose path may be broken into lines after its slashes. */
  function command(id, text) {
    const parts = text.split(/(?<=\S\/)/).flatMap((part) => [document.createElement('wbr'), part]);
    byId(id).replaceChildren(...parts);
  }

  function eventButton({ event, key }) {
    const button = element('button');
    button.type = 'button';
    button.dataset.eventButton = event;
    button.append(element('span', 'name', event), element('span', 'key', key), element('span', 'act', 'Trigger'));
    button.addEventListener('click', () => trigger(event, button));
    const item = element('li');
    item.append(button);
    return item;
  }

  let order = 0;

  async function trigger(event, button) {
    order += 1;
    button.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(`/trigger/${encodeURIComponent(event)}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ order, from: 'the page' }),
      });
      show(byId('trigger-error'), answer.ok ? '' : (await answer.text()).trim() || `The app answered ${answer.status}.`);
    } catch {
      show(byId('trigger-error'), 'The app does not answer. Is it running?');
    } finally {
      button.removeAttribute('aria-busy');
    }
  }

  for (const button of document.querySelectorAll('[data-copy]')) {
    button.addEventListener('click', async () => {
      const copied = await copy(byId(button.dataset.copy));
      button.textContent = copied ? 'Copied' : 'Selected';
      byId('said').textContent = copied ? 'Command copied' : 'Command selected';
      setTimeout(() => {
        button.textContent = 'Copy';
        byId('said').textContent = '';
      }, 2000);
    });
  }

  /** Copies, or selects where the browser allows no copying: on a plain http address in the local network. */
  async function copy(node) {
    try {
      await navigator.clipboard.writeText(node.textContent);
      return true;
    } catch {
      getSelection().selectAllChildren(node);
      return false;
    }
  }

  // ---- Events

  let count = 0;

  /** A listener for `sse.on`. */
  function arrived(value, event) {
    count += 1;
    byId('count').textContent = count === 1 ? '1 event' : `${count} events`;

    const saved = new Date(event.time);
    const time = element('time', '', saved.toLocaleTimeString([], { hour12: false }));
    time.dateTime = event.time;
    time.title = event.time;
    const item = element('li');
    item.dataset.id = event.lastEventId;
    item.dataset.event = event.type;
    item.append(
      element('span', 'name', event.type),
      time,
      element('code', 'value', JSON.stringify(value)),
      element('span', 'id', `id ${event.lastEventId}`),
    );
    list(item);
    toast(event.type, JSON.stringify(value));
  }

  function gap({ reason }) {
    const item = element('li', 'gap');
    item.append(element('span', '', `Something may have been missed here: ${reason}`));
    list(item);
  }

  function list(item) {
    byId('empty').hidden = true;
    byId('arrived').prepend(item);
    while (byId('arrived').children.length > LIST_LENGTH) byId('arrived').lastChild.remove();
  }

  function toast(name, text) {
    const item = element('li', 'toast');
    const words = element('div');
    words.append(element('div', 'name', name), element('code', 'value', text));
    const close = element('button', '', '×');
    close.type = 'button';
    close.setAttribute('aria-label', `Dismiss ${name}: ${text}`);
    close.addEventListener('click', () => {
      // The keyboard's place goes to the next toast, or to the list, and not to the top of the page.
      const next = item.nextElementSibling ?? item.previousElementSibling;
      item.remove();
      (next?.querySelector('button') ?? byId('arrived')).focus();
    });
    item.append(words, close);

    // It stays while someone reads it or is about to press its button.
    let timer;
    const leave = () => { timer = setTimeout(() => item.remove(), TOAST_MS); };
    const stay = () => clearTimeout(timer);
    for (const name of ['pointerenter', 'focusin']) item.addEventListener(name, stay);
    for (const name of ['pointerleave', 'focusout']) item.addEventListener(name, leave);
    leave();

    byId('toasts').append(item);
    while (byId('toasts').children.length > TOASTS) byId('toasts').firstChild.remove();
  }

  // ---- The connection

  function status(now) {
    byId('status').dataset.status = now;
    byId('status').textContent = STATUS_TEXT[now];
    if (now !== 'reconnecting') byId('reason').hidden = true;
    if (now === 'open') show(byId('trigger-error'), '');
  }

  /** EventSource hides what the server answered, so the page asks once more, to read the reason. */
  async function askForReason(sse) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 5000);
    let reason = '';
    try {
      const answer = await fetch(sse.url, { signal: stop.signal });
      if (!answer.ok) reason = (await answer.text()).trim() || `The app answered ${answer.status}.`;
    } catch {
      reason = 'The app does not answer. Is it running?';
    }
    clearTimeout(timer);
    stop.abort(); // A stream that opened after all would stay open beside the real one.
    if (sse.status !== 'reconnecting' || reason === '') return;
    byId('reason-text').textContent = reason;
    byId('reason').hidden = false;
    // What the page says about missing events is explained by the reason.
    byId('no-events').hidden = true;
  }

  /** Shows the client's connection, and takes over events that the app was given while it was away. */
  function follow(sse) {
    status(sse.status);
    sse.on('sse.gap', gap);
    sse.on('sse.status', async (now) => {
      status(now);
      if (now === 'reconnecting') askForReason(sse);
      if (now === 'open') for (const name of await loadEvents().catch(() => [])) sse.on(name, arrived);
    });
  }

  window.starter = {
    /** The names of the app's events; none while the app cannot say. */
    events: loadEvents().catch(() => {
      byId('no-events').hidden = false;
      return [];
    }),
    arrived,
    follow,
  };
})();
