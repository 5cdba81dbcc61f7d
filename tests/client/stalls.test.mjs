// Tabs whose main threads stall: one known case, and thousands of random schedules in a simulated browser.
//
// One schedule alone, with what happens in it: STALLS_SEED=7 node --test tests/client/stalls.test.mjs
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { Random } from './browser.mjs';
import { runSchedule, World } from './schedule.mjs';

const SCHEDULES = 2000;
const WORKERS = 2;
const REPORTED_MAX = 10;
const { STALLS_SEED } = process.env;

test('every tab hears every event once, or is told of a gap, whichever tabs stall', async () => {
  if (STALLS_SEED) {
    assert.match(STALLS_SEED, /^\d+$/, 'STALLS_SEED is the number of one schedule');
    const { failures, actions } = await runSchedule(Number(STALLS_SEED));
    console.log(actions.join('\n'));
    assert.deepEqual(failures, []);
    return;
  }
  const seeds = Array.from({ length: SCHEDULES }, (_, index) => index + 1);
  const shares = Array.from({ length: WORKERS }, (_, worker) => seeds.filter((seed) => seed % WORKERS === worker));
  const results = shares.map((workerData) => once(new Worker(new URL('stalls.worker.mjs', import.meta.url), { workerData }), 'message'));
  const failed = (await Promise.all(results)).flat(2).sort((one, other) => one.seed - other.seed);
  const reports = failed.slice(0, REPORTED_MAX).map(({ seed, failures }) => `STALLS_SEED=${seed}: ${failures[0]}`);
  assert.deepEqual(reports, [], `${failed.length} of ${SCHEDULES} schedules failed`);
});

test('all tabs hear the next event once a stalled leader returns, also one that opened meanwhile', async () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const world = new World(new Random(seed));
    const { browser, server } = world;
    const leader = world.open();
    await browser.run(1000);
    world.open();
    await browser.run(1000);
    leader.tab.stall(45_000);
    // Before or after the other tab takes the lead.
    const opens = world.random.between(0, 44_000);
    await browser.run(opens);
    world.open();
    await browser.run(45_000 - opens + 2000);
    server.save('a');
    await browser.run(1000);
    for (const page of world.pages) page.checkServed();
    assert.deepEqual(world.failures, [], world.actions.join('\n'));
    assert.equal(world.pages.filter(({ sse }) => sse.leading).length, 1);
    assert.equal(leader.sse.leading, false);
  }
});
