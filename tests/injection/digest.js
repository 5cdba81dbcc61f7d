// A digest of an event, short enough to compare millions: parsers with equal digests returned equal
// events. `digest.rs` computes the same digest from the saved value.

const PREFIX = /^\{"timestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)","value":/;

class Digest {
  constructor() {
    this.a = 0x9e3779b9 | 0;
    this.b = 0x85ebca6b | 0;
  }

  unit(unit) {
    this.a = Math.imul(this.a ^ unit, 0x85ebca77);
    this.a = (this.a << 13) | (this.a >>> 19);
    this.b = Math.imul(this.b ^ unit, 0xc2b2ae3d);
    this.b = (this.b << 11) | (this.b >>> 21);
  }

  text(text) {
    this.length(text.length);
    for (let at = 0; at < text.length; at += 1) this.unit(text.charCodeAt(at));
  }

  length(length) {
    this.unit(length & 0xffff);
    this.unit(length >>> 16);
  }

  value(value) {
    if (value === null) this.unit(1);
    else if (value === false) this.unit(2);
    else if (value === true) this.unit(3);
    else if (typeof value === 'number') {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, value);
      this.unit(4);
      for (let at = 0; at < 8; at += 2) this.unit(view.getUint16(at));
    } else if (typeof value === 'string') {
      this.unit(5);
      this.text(value);
    } else if (Array.isArray(value)) {
      this.unit(6);
      this.length(value.length);
      for (const item of value) this.value(item);
    } else {
      // In the order of their UTF-16 code units.
      const keys = Object.keys(value).sort();
      this.unit(7);
      this.length(keys.length);
      for (const key of keys) {
        this.text(key);
        this.value(value[key]);
      }
    }
  }

  toString() {
    const hex = (half) => (half >>> 0).toString(16).padStart(8, '0');
    return hex(this.a) + hex(this.b);
  }
}

function digestOfText(text) {
  const digest = new Digest();
  digest.text(text);
  return String(digest);
}

/** The data of the same event without its envelope. */
function dataAlone(text, value) {
  return typeof value === 'string' ? value.toWellFormed().replace(/\r\n?/g, '\n') : text;
}

/**
 * Id, name, time, digest of the value's text, digest of the value that JSON.parse returns, and digest of the
 * data that the event must have without envelope.
 */
function digested(id, name, data) {
  const [prefix, time] = PREFIX.exec(data) ?? ['', 'no timestamp'];
  const text = data.slice(prefix.length, -1);
  const value = new Digest();
  const envelope = JSON.parse(data);
  value.value(envelope.value);
  const isEnvelope = Object.keys(envelope).join() === 'timestamp,value' && envelope.timestamp === time;
  const alone = digestOfText(dataAlone(text, envelope.value));
  return [id, name, isEnvelope ? time : 'no envelope', digestOfText(text), String(value), alone];
}

/** The same for an event without envelope. */
function digestedAlone(id, name, data) {
  return [id, name, '', '', '', digestOfText(data)];
}

globalThis.digested = { envelope: digested, value: digestedAlone };
