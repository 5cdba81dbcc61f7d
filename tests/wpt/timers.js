// Makes each delay a tenth, for the page or worker that loads this before the client. The client waits for up
// to a second before it reconnects, and nearly every case reconnects.
{
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (callback, delay, ...values) => setTimeout(callback, delay / 10, ...values);
}
