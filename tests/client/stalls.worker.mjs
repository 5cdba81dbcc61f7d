// A share of the random schedules, apart from the test runner, which makes promises slow.
import { parentPort, workerData } from 'node:worker_threads';

import { runSchedule } from './schedule.mjs';

/** Schedules wait for a turn of the event loop after every task; so many share the turns. */
const CONCURRENT = 16;

const failed = [];
async function runAll(seeds) {
  for (const seed of seeds) {
    const { failures } = await runSchedule(seed);
    if (failures.length) failed.push({ seed, failures });
  }
}
const seeds = workerData.values();
await Promise.all(Array.from({ length: CONCURRENT }, () => runAll(seeds)));
parentPort.postMessage(failed);
