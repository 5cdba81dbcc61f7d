// Listens like a page, and keeps the events until the test takes them.

class Probe {
  received = [];
  newest = new Map();
  open = false;

  constructor(url, digest) {
    this.url = url;
    this.digest = digest;
  }

  take(max) {
    return this.received.splice(0, max);
  }

  listen(names) {
    const source = new EventSource(this.url);
    source.addEventListener('sse.heartbeat', () => {
      this.open = true;
    });
    source.addEventListener('error', () => {
      this.received.push(['', 'the connection broke', '', '', '', '']);
    });
    for (const name of [...names, 'sse.gap']) {
      source.addEventListener(name, (event) => {
        this.newest.set(event.lastEventId, event.data);
        if (this.newest.size > 4096) this.newest.delete(this.newest.keys().next().value);
        this.received.push(this.digest(event.lastEventId, event.type, event.data));
      });
    }
  }
}

globalThis.probes = {
  envelope: new Probe('/sse/stream', digested.envelope),
  value: new Probe('/sse/stream?data=value', digested.value),
};
