// Makes each delay a tenth, for the page or worker that loads this before the client. The client waits for up
// to a second before it reconnects, and nearly every case reconnects. It waits for 30 seconds before it gives up a silent
// connection, which a tenth would make too short for a busy machine.
{
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (callback, delay, ...values) =>
    setTimeout(callback, delay < 30_000 ? delay / 10 : delay, ...values);
}
