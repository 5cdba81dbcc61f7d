// From bytes to events.

/** Cuts a stream into blocks, as "Interpreting an event stream" in the HTML standard says. */
export class Parser {
  /** "UTF-8 decode", which takes away one byte order mark at the beginning. */
  #decoder = new TextDecoder();
  #rest = '';
  #endsWithCr = false;
  #data = '';
  #name = '';
  #id;
  retry;

  /** The blocks that end in these bytes. One without `data` fires no event; one without `id` keeps the last. */
  read(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    // CRLF is one line end, also where a chunk ends between the two.
    if (this.#endsWithCr && text[0] === '\n') text = text.slice(1);
    this.#endsWithCr = text.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop();
    const blocks = [];
    for (const line of lines) {
      if (line !== '') {
        this.#field(line);
        continue;
      }
      // "If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove" it.
      const data = this.#data === '' ? undefined : this.#data.slice(0, -1);
      blocks.push({ name: this.#name || 'message', data, id: this.#id });
      this.#data = this.#name = '';
      this.#id = undefined;
    }
    return blocks;
  }

  #field(line) {
    const [, name, value = ''] = /^([^:]*):? ?([^]*)$/.exec(line);
    if (name === 'event') this.#name = value;
    else if (name === 'data') this.#data += value + '\n';
    // "If the field value does not contain U+0000 NULL"
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    // "If the field value consists of only ASCII digits"
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.retry = Number(value);
  }
}
