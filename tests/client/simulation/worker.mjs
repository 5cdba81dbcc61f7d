// Runs a share of the random schedules. In a worker, because the test runner makes promises slow.
import { parentPort, workerData } from 'node:worker_threads';

import { runSchedule } from './schedule.mjs';

/** Schedules wait for a turn of the event loop after every task. This many schedules share each turn. */
const CONCURRENT_SCHEDULES = 16;

const failed = [];
async function runAll(seeds) {
  for (const seed of seeds) {
    const { failures } = await runSchedule(seed);
    if (failures.length) failed.push({ seed, failures });
  }
}
const seeds = workerData.values();
await Promise.all(Array.from({ length: CONCURRENT_SCHEDULES }, () => runAll(seeds)));
parentPort.postMessage(failed);
