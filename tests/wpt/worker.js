// Runs a case in a worker of either kind, and posts the result.

import '/timers.js';
import * as cases from '/cases.js';

function serve(port) {
  port.onmessage = async ({ data: [run, args] }) => {
    try {
      port.postMessage(await cases[run](...args));
    } catch (error) {
      port.postMessage([String(error)]);
    }
  };
}

if ('postMessage' in globalThis) serve(globalThis);
else globalThis.onconnect = ({ ports: [port] }) => serve(port);
