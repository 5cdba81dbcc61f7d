// Parses the bytes of an event stream.

/** Follows "Interpreting an event stream" in the HTML standard, which the quotes below are from. */
export class Parser {
  /** "UTF-8 decode" strips one byte order mark at the beginning, as TextDecoder does by default. */
  #decoder = new TextDecoder();
  #incompleteLine = '';
  #endsWithCr = false;
  #data = '';
  #name = '';
  #id;
  retry;
  /** The comments of the newest chunk. */
  comments;

  /**
   * The blocks that end in this chunk. A block without `data` dispatches no event; one without `id` leaves
   * the last event id unchanged.
   */
  read(bytes) {
    this.comments = [];
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    // A CRLF is one line end, even if a chunk ends between CR and LF.
    if (this.#endsWithCr && text[0] === '\n') text = text.slice(1);
    this.#endsWithCr = text.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = this.#incompleteLine + lines[0];
    this.#incompleteLine = lines.pop();
    const blocks = [];
    for (const line of lines) {
      if (line === '') blocks.push(this.#endBlock());
      else this.#field(line);
    }
    return blocks;
  }

  #endBlock() {
    // "If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove" it.
    const data = this.#data === '' ? undefined : this.#data.slice(0, -1);
    const block = { name: this.#name || 'message', data, id: this.#id };
    this.#data = this.#name = '';
    this.#id = undefined;
    return block;
  }

  #field(line) {
    const [, name, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line);
    // "If the line starts with a U+003A COLON character (:)"
    if (name === '') this.comments.push(value);
    else if (name === 'event') this.#name = value;
    else if (name === 'data') this.#data += `${value}\n`;
    // "If the field value does not contain U+0000 NULL"
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    // "If the field value consists of only ASCII digits"
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.retry = Number(value);
  }
}
