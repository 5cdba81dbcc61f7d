// Makes each delay below 30 seconds a tenth, for the page or worker that loads this before the client. The client waits
// for up to a second before it reconnects, and nearly every case reconnects. It gives up a connection that is silent for
// 30 seconds; a tenth of that would be too short for a busy machine.
{
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (callback, delay, ...values) =>
    setTimeout(callback, delay < 30_000 ? delay / 10 : delay, ...values);
}
