// Listens as a page does, and keeps what it hears until it is asked.

globalThis.probe = {
  heard: [],
  newest: new Map(),
  open: false,
  take(most) {
    return this.heard.splice(0, most);
  },
  listen(names) {
    const source = new EventSource('/sse/stream');
    source.addEventListener('sse.heartbeat', () => { this.open = true; });
    source.addEventListener('error', () => { this.heard.push(['', 'the connection broke', '', '', '']); });
    for (const name of [...names, 'sse.gap']) {
      source.addEventListener(name, (event) => {
        this.newest.set(event.lastEventId, event.data);
        if (this.newest.size > 4096) this.newest.delete(this.newest.keys().next().value);
        this.heard.push(digested(event.lastEventId, event.type, event.data));
      });
    }
  },
};
