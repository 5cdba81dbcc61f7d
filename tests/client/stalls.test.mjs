// Tabs whose main threads stall: one known case, and thousands of random schedules in a simulated browser.
//
// To run one schedule and print its actions: STALLS_SEED=7 node --test tests/client/stalls.test.mjs
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { Random } from './simulation/random.mjs';
import { runSchedule, Schedule } from './simulation/schedule.mjs';

/** As many as run in some ten seconds. */
const SCHEDULES = 2000;
const WORKERS = 2;
/** A fault fails many schedules; their first failures suffice to find it. */
const MAX_REPORTS = 10;
const { STALLS_SEED } = process.env;

test('every tab receives every event once, or a gap, whichever tabs stall', async () => {
  if (STALLS_SEED) {
    assert.match(STALLS_SEED, /^\d+$/, 'STALLS_SEED is the number of one schedule');
    const { failures, actions } = await runSchedule(Number(STALLS_SEED));
    console.log(actions.join('\n'));
    assert.deepEqual(failures, []);
    return;
  }
  const seeds = Array.from({ length: SCHEDULES }, (_, index) => index + 1);
  const shares = Array.from({ length: WORKERS }, (_, worker) =>
    seeds.filter((seed) => seed % WORKERS === worker),
  );
  const results = shares.map((workerData) =>
    once(new Worker(new URL('simulation/worker.mjs', import.meta.url), { workerData }), 'message'),
  );
  const failed = (await Promise.all(results)).flat(2).sort((first, second) => first.seed - second.seed);
  const reports = failed
    .slice(0, MAX_REPORTS)
    .map(({ seed, failures }) => `STALLS_SEED=${seed}: ${failures[0]}`);
  assert.deepEqual(reports, [], `${failed.length} of ${SCHEDULES} schedules failed`);
});

test('all tabs receive the next event after a stalled leader returns, also a tab that opened meanwhile', async () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const schedule = new Schedule(new Random(seed));
    const { browser, server } = schedule;
    const leader = schedule.open();
    await browser.run(1000);
    schedule.open();
    await browser.run(1000);
    leader.tab.stall(45_000);
    // Before or after the other tab takes the lead.
    const opensAfter = schedule.random.between(0, 44_000);
    await browser.run(opensAfter);
    schedule.open();
    await browser.run(45_000 - opensAfter + 2000);
    server.save('a');
    await browser.run(1000);
    for (const page of schedule.pages) page.checkServed();
    assert.deepEqual(schedule.failures, [], schedule.actions.join('\n'));
    assert.equal(schedule.pages.filter(({ sse }) => sse.leading).length, 1);
    assert.equal(leader.sse.leading, false);
  }
});
