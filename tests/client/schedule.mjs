// One random schedule: what tabs, their main threads, the network and the server do for some minutes, and
// whether every tab hears every event once.
import { Browser, Random, Tab } from './browser.mjs';
import { parseId, Server } from './server.mjs';

const TABS_MAX = 6;
const ACTIONS = 40;
/** After this much quiet everything has recovered: the longest wait of the client, for a silent connection
 *  and a doubled retry, is over. */
const RECOVERY_MS = 120_000;
/** An event needs only this long through a connection that is open and tabs that are responsive. */
const DELIVERY_MS = 1000;

/** Runs the schedule of this seed; gives what went wrong, and the actions that led to it. */
export async function runSchedule(seed) {
  const world = new World(new Random(seed));
  await world.misbehave();
  await world.recover();
  return world;
}

export class World {
  failures = [];
  actions = [];
  pages = [];

  constructor(random) {
    this.random = random;
    this.browser = new Browser(random);
    this.server = new Server(this.browser);
    this.start = this.browser.now;
  }

  get openPages() { return this.pages.filter(({ tab }) => tab.isAlive); }
  get leader() { return this.openPages.find(({ sse }) => sse?.leading); }

  open(options = {}, storage = undefined) {
    const page = new Page(this, new Tab(this.browser, this.server, storage), options);
    this.pages.push(page);
    this.note(`tab ${page.tab.id} opens, for ${options.events ?? 'all events'}`);
    return page;
  }

  save() {
    const name = this.random.pick(['a', 'b']);
    this.server.save(name);
    this.note(`${name} ${this.server.journal.length} is saved`);
  }

  note(text) { this.actions.push(`${((this.browser.now - this.start) / 1000).toFixed(3).padStart(8)} ${text}`); }
  fail(page, text) { this.failures.push(`tab ${page.tab.id} ${text}`); this.note(`FAILURE: tab ${page.tab.id} ${text}`); }

  async misbehave() {
    this.#open();
    for (let count = 0; count < ACTIONS; count += 1) {
      // Many things happen at about the same time, others long after.
      const wait = this.random.chance(0.4) ? this.random.between(0, 20) : this.random.between(0, 12_000);
      await this.browser.run(wait);
      this.#act();
    }
  }

  /**
   * Nothing disturbs the tabs any more. An event reaches all of them as soon as the leader has a connection, and
   * at the end of the recovery there is one.
   */
  async recover() {
    this.note('quiet begins');
    for (const { tab } of this.openPages) tab.calm();
    this.server.mode = 'up';
    // The browser may keep a page once its stall is over.
    do await this.browser.run(Math.max(0, ...this.openPages.map(({ tab }) => tab.busyFor)) + DELIVERY_MS);
    while (this.openPages.some(({ tab }) => tab.isBusy));
    this.note('all tabs are responsive');
    const end = this.browser.now + RECOVERY_MS;
    for (let pause = 2000; this.browser.now < end; pause *= 1.5) {
      await this.browser.run(pause);
      const wasConnected = this.#isLeaderConnected;
      await this.#saveAndCheck(wasConnected);
    }
    await this.#saveAndCheck(true);
    const connections = this.server.connections.size;
    if (connections !== Math.min(1, this.openPages.length)) this.failures.push(`${connections} connections are open`);
  }

  get #isLeaderConnected() {
    const leader = this.browser.locks.holder();
    return [...this.server.connections].some(({ tab, openedAt }) => tab === leader && this.browser.now - openedAt > DELIVERY_MS);
  }

  async #saveAndCheck(isHeard) {
    for (const name of ['a', 'b']) this.server.save(name);
    await this.browser.run(DELIVERY_MS);
    if (isHeard) for (const page of this.openPages) page.checkServed();
  }

  #open() { return this.open({ events: this.random.pick([undefined, undefined, ['a'], ['b']]) }); }

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
      [4, () => this.openPages.length < TABS_MAX && this.#open()],
      [5, () => this.#stall(leader)],
      [3, () => this.#stall(page)],
      [1, () => { for (const each of this.openPages) this.#stall(each); }],
      [1, () => this.#close(page)],
      [1, () => this.#close(leader)],
      [1, () => this.#kill(random.pick([leader, page]))],
      [1, () => this.#reload(random.pick([leader, page]))],
      [1, () => this.#hide(random.pick([leader, page]))],
      [2, () => this.#look(page)],
      [3, () => this.#disturbNetwork()],
      [0.1, () => { server.replaceJournal(); this.note('the journal is replaced'); }],
    ];
    let left = random.next() * weighted.reduce((sum, [weight]) => sum + weight, 0);
    weighted.find(([weight]) => (left -= weight) < 0)[1]();
  }

  #stall({ tab }) {
    const { random } = this;
    const duration = random.chance(0.3) ? random.between(100, 20_000) : random.between(25_000, 90_000);
    const effects = random.chance(0.5) ? undefined : Math.floor(random.between(0, 6));
    tab.stall(duration, effects);
    this.note(`tab ${tab.id} stalls for ${Math.round(duration)} ms${effects === undefined ? '' : ` after ${effects} effects`}`);
  }

  #close({ tab }) { tab.close(); this.note(`tab ${tab.id} is closed`); }
  #kill({ tab }) { tab.kill(); this.note(`tab ${tab.id} is killed`); }

  #reload(page) {
    this.note(`tab ${page.tab.id} loads another page`);
    page.tab.close();
    const { storage } = page.tab;
    this.browser.later(this.random.between(5, 500), () => {
      const place = storage.getItem('sse http://page.test/sse/stream');
      this.open({ ...page.options, resumesAt: place }, storage);
    });
  }

  #hide({ tab }) {
    const duration = this.random.between(100, 60_000);
    tab.hide(duration);
    this.note(`tab ${tab.id} is kept by the browser for ${Math.round(duration)} ms`);
  }

  #look({ tab }) {
    const isOnline = this.random.chance(0.3);
    if (isOnline) tab.dispatch(tab.window, 'online');
    else tab.dispatch(tab.document, 'visibilitychange');
    this.note(`tab ${tab.id} ${isOnline ? 'is online again' : 'is looked at'}`);
  }

  #disturbNetwork() {
    const { random, server } = this;
    const fault = random.pick(['cut', 'end', 'loseAll', 'refusing', 'busy', 'silent']);
    this.note(`network: ${fault}`);
    if (['cut', 'end', 'loseAll'].includes(fault)) server[fault]();
    else {
      if (random.chance(0.5)) server.cut();
      server.mode = fault;
      this.browser.later(random.between(100, 40_000), () => {
        if (server.mode === fault) server.mode = 'up';
      });
    }
  }
}

/** A page with a client, and a check of everything that it hears. */
export class Page {
  heard = [];
  gaps = 0;
  /** The newest event heard, or the place where the page begins. */
  #last;
  /** A new page is owed what is saved after its stream opened. */
  #opened;
  #isAfterGap = false;

  constructor(world, tab, options) {
    Object.assign(this, { world, tab, options });
    const { events, resumesAt } = options;
    if (resumesAt) this.#last = parseId(resumesAt);
    tab.task('page', () => {
      const sse = (this.sse = new tab.client.SseClient('/sse/stream', { events }));
      sse.on('*', (value) => this.#hear(value));
      sse.on('sse.gap', ({ reason }) => this.#gap(reason));
      sse.on('sse.status', (status) => {
        this.world.note(`tab ${tab.id} is ${status}`);
        if (status === 'open') this.#opened ??= this.#newest;
      });
      sse.on('sse.leading', (leading) => this.world.note(`tab ${tab.id} ${leading ? 'leads' : 'follows'}`));
    });
  }

  get #newest() {
    const { journals } = this.world.server;
    return { epoch: journals.length - 1, number: journals.at(-1).length };
  }

  /** The first event of this page after this place in the same journal. */
  #next({ epoch, number }) {
    const journal = this.world.server.journals[epoch];
    return journal.slice(number).find(({ name }) => !this.options.events || this.options.events.includes(name))?.number;
  }

  #hear(event) {
    const { epoch, number } = event;
    const last = this.#last;
    const text = `hears ${epoch}-${number}`;
    if (last && (epoch < last.epoch || (epoch === last.epoch && number <= last.number))) {
      this.world.fail(this, `${text} again or too late, after ${last.epoch}-${last.number}`);
    } else if (!this.#isAfterGap) {
      const isNext = !last || (epoch === last.epoch && number === this.#next(last));
      // A new page may also hear what was saved a moment before.
      const isLate = !last && this.#opened?.epoch === epoch && number > this.#next(this.#opened);
      if (!isNext || isLate) this.world.fail(this, `${text} and has missed something since ${JSON.stringify(last ?? this.#opened)}`);
    }
    this.#last = event;
    this.#isAfterGap = false;
    this.heard.push(event);
    // A listener may keep the main thread busy.
    this.tab.effect('page', () => {});
  }

  #gap(reason) {
    this.world.note(`tab ${this.tab.id} is told of a gap: ${reason}`);
    this.gaps += 1;
    this.#isAfterGap = true;
    const isPossible = reason === 'other-epoch' ? this.world.server.journals.length > 1 : reason === 'connection-lost' && this.sse.lastEventId === '';
    if (!isPossible) this.world.fail(this, `is told of a gap without reason: ${reason}`);
  }

  /** All that was saved must have been heard. */
  checkServed() {
    const { status } = this.sse;
    const newest = this.#newest;
    if (status !== 'open') this.world.fail(this, `is ${status} while the leader has a connection`);
    else if (this.#last?.epoch !== newest.epoch || this.#next(this.#last) !== undefined) {
      this.world.fail(this, `is deaf: it heard nothing after ${JSON.stringify(this.#last)}`);
    }
  }
}
