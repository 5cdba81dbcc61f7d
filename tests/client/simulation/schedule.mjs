// One random schedule: what tabs, their main threads, the network and the server do for some minutes, and
// whether every tab receives every event once.
import { Browser } from './browser.mjs';
import { Page } from './page.mjs';
import { Random } from './random.mjs';
import { Server } from './server.mjs';
import { Tab } from './tab.mjs';

/** Enough for several followers, and few enough that most tabs take part in most actions. */
const MAX_TABS = 6;
/** Two users share the browser; the third is nobody. */
const USERS = ['1', '2', ''];
/** The audience for which some pages ask. */
const TOPIC = 'topic';
/** Some minutes of simulated time. */
const ACTIONS = 40;
/** Longer than the client's longest delay, for a silent connection and the retry after it. */
const RECOVERY_MS = 120_000;
/** Longer than an event takes through an open connection to responsive tabs. */
const DELIVERY_MS = 1000;

/** Runs the schedule of this seed. Its `failures` and `actions` say what went wrong, and what led to it. */
export async function runSchedule(seed) {
  const schedule = new Schedule(new Random(seed));
  await schedule.disturb();
  await schedule.recover();
  return schedule;
}

export class Schedule {
  failures = [];
  actions = [];
  pages = [];

  constructor(random) {
    this.random = random;
    this.browser = new Browser(random);
    this.server = new Server(this.browser);
    this.start = this.browser.now;
  }

  get openPages() {
    return this.pages.filter(({ tab }) => tab.isAlive);
  }
  get leader() {
    return this.openPages.find(({ sse }) => sse?.leading);
  }

  open(options = {}, storage = undefined) {
    const page = new Page(this, new Tab(this.browser, this.server, storage), options);
    this.pages.push(page);
    this.note(
      `tab ${page.tab.id} opens, for ${options.events ?? 'all events'}, to ${options.to ?? 'all'}${options.latest ? ', latest values' : ''}`,
    );
    return page;
  }

  save() {
    const name = this.random.pick(['a', 'b']);
    const to = this.random.pick(['', '', '1', '2', TOPIC]);
    this.server.save(name, to);
    this.note(`${name} ${this.server.journal.length} is saved for ${to || 'everybody'}`);
  }

  note(text) {
    this.actions.push(`${((this.browser.now - this.start) / 1000).toFixed(3).padStart(8)} ${text}`);
  }
  fail(page, text) {
    this.failures.push(`tab ${page.tab.id} ${text}`);
    this.note(`FAILURE: tab ${page.tab.id} ${text}`);
  }

  async disturb() {
    this.#open();
    for (let count = 0; count < ACTIONS; count += 1) {
      // Many actions follow each other closely, others after a long pause.
      const wait = this.random.chance(0.4) ? this.random.between(0, 20) : this.random.between(0, 12_000);
      await this.browser.run(wait);
      this.#act();
    }
  }

  /**
   * Disturbs nothing any more. Events reach all tabs as soon as the leader has a connection, at the latest
   * when the recovery ends.
   */
  async recover() {
    this.note('the disturbance ends');
    for (const { tab } of this.openPages) tab.cancelStall();
    this.server.mode = 'up';
    // A page may enter the back/forward cache once its stall ends.
    do await this.browser.run(Math.max(0, ...this.openPages.map(({ tab }) => tab.busyFor)) + DELIVERY_MS);
    while (this.openPages.some(({ tab }) => tab.isBusy));
    this.note('all tabs are responsive');
    // Clients that the server has refused try again.
    for (const { tab } of this.openPages) tab.dispatch(tab.document, 'visibilitychange');
    // Otherwise the connections may belong to an earlier user.
    if (this.random.chance(0.5)) this.server.endAll();
    const end = this.browser.now + RECOVERY_MS;
    for (let pause = 2000; this.browser.now < end; pause *= 1.5) {
      await this.browser.run(pause);
      const connected = this.openPages.filter((page) => this.#isLeaderConnected(page));
      await this.#saveAndCheck(connected);
    }
    await this.#saveAndCheck(this.openPages);
    const { connections, earlyRequests } = this.server;
    if (earlyRequests) this.failures.push(`${earlyRequests} requests were too early`);
    const shares = new Set(this.openPages.filter((page) => !page.hasLeft).map((page) => page.shareName));
    if (connections.size !== shares.size)
      this.failures.push(`${connections.size} connections are open for ${shares.size} shares`);
    for (const connection of connections)
      for (const page of this.openPages)
        if (this.browser.locks.holder(page.shareName) === connection.tab) page.checkConnection(connection);
  }

  #isLeaderConnected(page) {
    const leader = this.browser.locks.holder(page.shareName);
    return [...this.server.connections].some(
      ({ tab, openedAt }) => tab === leader && this.browser.now - openedAt > DELIVERY_MS,
    );
  }

  async #saveAndCheck(connected) {
    for (const name of ['a', 'b']) for (const to of [...USERS, TOPIC]) this.server.save(name, to);
    await this.browser.run(DELIVERY_MS);
    for (const page of connected) page.checkServed();
  }

  #open() {
    const { random } = this;
    const events = random.pick([undefined, undefined, ['a'], ['b']]);
    return this.open({ events, to: random.chance(0.3) ? TOPIC : undefined, latest: random.chance(0.3) });
  }

  /** The cookies belong to another user. Most logins load a page. */
  #logIn(page) {
    const { browser, random } = this;
    const user = random.pick(USERS.filter((other) => other !== browser.user));
    browser.users.push(user);
    this.note(`user ${user || 'nobody'} logs in`);
    if (random.chance(0.4)) this.#reload(page);
    else if (random.chance(0.6)) this.#open();
  }

  #connect({ tab, sse }) {
    tab.task('page', () => sse?.connect());
    this.note(`tab ${tab.id} calls connect`);
  }

  #act() {
    const { random, server } = this;
    const page = random.pick(this.openPages);
    if (!page) {
      this.#open();
      return;
    }
    const leader = this.leader ?? page;
    const weighted = [
      [10, () => this.save()],
      [4, () => this.openPages.length < MAX_TABS && this.#open()],
      [5, () => this.#stall(leader)],
      [3, () => this.#stall(page)],
      [
        1,
        () => {
          for (const each of this.openPages) this.#stall(each);
        },
      ],
      [1, () => this.#close(page)],
      [1, () => this.#close(leader)],
      [1, () => this.#kill(random.pick([leader, page]))],
      [1, () => this.#reload(random.pick([leader, page]))],
      [1, () => this.#cache(random.pick([leader, page]))],
      [2, () => this.#show(page)],
      [2, () => this.#logIn(page)],
      [1, () => this.#connect(random.pick([...this.openPages.filter(({ hasLeft }) => hasLeft), page]))],
      [3, () => this.#disturbNetwork()],
      [
        0.1,
        () => {
          server.replaceJournal();
          this.note('the journal is replaced');
        },
      ],
    ];
    this.#pickWeighted(weighted)();
  }

  #pickWeighted(weighted) {
    let left = this.random.next() * weighted.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, action] of weighted) {
      left -= weight;
      if (left < 0) return action;
    }
    return () => {};
  }

  #stall({ tab }) {
    const { random } = this;
    const duration = random.chance(0.3) ? random.between(100, 20_000) : random.between(25_000, 90_000);
    const effects = random.chance(0.5) ? undefined : Math.floor(random.between(0, 6));
    tab.stall(duration, effects);
    this.note(
      `tab ${tab.id} stalls for ${Math.round(duration)} ms${effects === undefined ? '' : ` after ${effects} effects`}`,
    );
  }

  #close({ tab }) {
    tab.close();
    this.note(`tab ${tab.id} is closed`);
  }
  #kill({ tab }) {
    tab.kill();
    this.note(`tab ${tab.id} is killed`);
  }

  #reload(page) {
    this.note(`tab ${page.tab.id} loads another page`);
    page.tab.close();
    const { storage } = page.tab;
    this.browser.schedule(this.random.between(5, 500), () => {
      const lastEventId = storage.getItem(`sse ${page.sse?.url ?? 'http://page.test/sse/stream'}`);
      this.open({ ...page.options, lastEventId }, storage);
    });
  }

  #cache({ tab }) {
    const duration = this.random.between(100, 60_000);
    tab.cache(duration);
    this.note(`tab ${tab.id} is in the back/forward cache for ${Math.round(duration)} ms`);
  }

  #show({ tab }) {
    const isOnline = this.random.chance(0.3);
    if (isOnline) tab.dispatch(tab.window, 'online');
    else tab.dispatch(tab.document, 'visibilitychange');
    this.note(`tab ${tab.id} ${isOnline ? 'is online again' : 'becomes visible'}`);
  }

  #disturbNetwork() {
    const { random, server } = this;
    const fault = random.pick(['failAll', 'endAll', 'loseAll', 'refusing', 'busy', 'silent', 'unauthorized']);
    this.note(`network: ${fault}`);
    if (['failAll', 'endAll', 'loseAll'].includes(fault)) server[fault]();
    else {
      if (random.chance(0.5)) server.failAll();
      server.retryAfter = random.chance(0.5) ? random.between(1, 60) : undefined;
      server.mode = fault;
      this.browser.schedule(random.between(100, 40_000), () => {
        if (server.mode === fault) server.mode = 'up';
      });
    }
  }
}
