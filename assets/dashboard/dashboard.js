// The page: loads what has happened, and then follows the stream of the states.

import { Chart } from './chart.js';
import { Connection } from './connection.js';
import { age, bytes, count, lag, plural, rate, split, within } from './format.js';
import { showHealth, showTitles } from './health.js';
import { note } from './recency.js';
import { isSame, noticeOtherServer, showServer } from './server.js';
import { setFacts, setGroups, setRows, setText } from './tables.js';
import { setKeys } from './test-event.js';
import * as words from './words.js';

/** The rate of bytes is an average of so many points, of about a second each, like the other rates. */
const AVERAGED_POINTS = 10;

const find = (css) => document.querySelector(css);
const perSecond = (number) => `${rate(number)}/s`;

/** One of the large figures, with its chart. */
class Tile {
  #number;
  #unit;
  #detail;

  constructor(id, format) {
    const tile = find(id);
    this.#number = tile.querySelector('strong');
    this.#unit = tile.querySelector('.unit');
    this.#detail = tile.querySelector('.detail');
    this.chart = new Chart(tile, tile.querySelector('h3').textContent, format);
  }

  show(number, unit, detail) {
    setText(this.#number, number);
    setText(this.#unit, unit);
    setText(this.#detail, detail);
  }
}

const tiles = {
  streams: new Tile('#tile-streams', (number) => plural(number, 'stream')),
  saved: new Tile('#tile-saved', perSecond),
  delivered: new Tile('#tile-delivered', perSecond),
  lag: new Tile('#tile-lag', lag),
};

/** In the order of the numbers in a point. */
const charts = [
  [tiles.streams, 0],
  [tiles.saved, 1],
  [tiles.delivered, 2],
  [tiles.lag, 4],
];

let server;
/** The version of the configuration for which the snapshot was loaded. */
let configVersion;
let showsValues = false;
/** In seconds. */
let pollInterval = 0;
let byteRates = [];

function showTiles(state) {
  const { streams, point, sentBytes, deliveries, cache } = state;
  const [, saved, delivered] = point ?? [0, 0, 0];
  const limit = streams.limit ? `of at most ${count(streams.limit)}` : '';
  tiles.streams.show(
    count(streams.open),
    limit,
    `${count(streams.public)} public, ${count(streams.private)} private`,
  );
  const newest = cache ? `${count(cache.newest)} so far, by all programs` : '';
  tiles.saved.show(rate(state.savesPerSecond ?? saved), 'per second', newest);
  const total = deliveries.reduce((sum, event) => sum + event.total, 0);
  const byteRate =
    byteRates.reduce((sum, bytesPerSecond) => sum + bytesPerSecond, 0) / (byteRates.length || 1);
  const sent = `${bytes(byteRate)}/s; ${count(total)} and ${bytes(sentBytes)} so far`;
  tiles.delivered.show(rate(state.deliveriesPerSecond ?? delivered), 'per second', sent);
  showLag(state);
}

function showLag({ lagMedian, lagP99, deliveries, recentSeconds }) {
  const when = within(recentSeconds);
  if (lagP99 !== null) {
    const [number, unit] = split(lagP99);
    tiles.lag.show(number, `${unit} (p99)`, `median ${lag(lagMedian)}, ${when}`);
    return;
  }
  const hasReplayed = deliveries.some(({ recent }) => recent > 0);
  tiles.lag.show('–', '', `${hasReplayed ? 'no live delivery' : 'nothing was delivered'} ${when}`);
}

function showRecent(events) {
  find('#recent').classList.toggle('with-values', showsValues);
  find('#no-recent').hidden = events.length > 0;
  find('#recent').parentElement.hidden = events.length === 0;
  const rows = events.map((event) => {
    const triggers = event.events.length > 0;
    return [
      { text: event.key, code: true },
      { text: event.age === null ? '–' : age(event.age), className: 'number' },
      {
        text: triggers ? event.events.join(', ') : 'none: not in SSE_EVENTS',
        className: triggers ? '' : 'quiet',
      },
      { text: event.audience },
      { text: bytes(event.bytes), className: 'number' },
      { text: showsValues ? (event.value ?? 'not shown') : '', className: 'value', code: true },
    ];
  });
  setRows(find('#recent').tBodies[0], rows);
}

function showEvents({ streams, deliveries }) {
  const delivered = new Map(deliveries.map((event) => [event.name, event]));
  const rows = streams.byEvent.map((event) => {
    const { total = 0, recent = 0 } = delivered.get(event.name) ?? {};
    return [
      { text: event.name, code: true },
      { text: count(event.streams), className: 'number' },
      { text: count(total), className: 'number' },
      { text: count(recent), className: 'number' },
    ];
  });
  setRows(find('#events').tBodies[0], rows);
  setFacts(find('#audiences'), [
    ['Public streams', count(streams.public)],
    ['Private streams (with audiences)', count(streams.private)],
    [
      'Slowest stream',
      streams.slowestEntries ? `${plural(streams.slowestEntries, 'value')} behind` : 'up to date',
    ],
  ]);
}

function showCounts(state) {
  setGroups(find('#streams'), [
    { title: 'Opened', group: 'opened', counts: state.opened, describe: words.opened },
    {
      title: 'Ended',
      group: 'closed',
      counts: state.closed,
      describe: words.closed,
      notable: ['stalled', 'error', 'requests'],
    },
    {
      title: 'Refused',
      group: 'refused',
      counts: state.refused,
      describe: words.refused,
      notable: ['busy', 'unavailable', 'audience', 'app-error'],
    },
  ]);
  const names = (counts) => counts.map(({ name }) => name);
  setGroups(find('#troubles'), [
    {
      title: 'Saves of this server',
      group: 'saves',
      counts: state.saves,
      describe: words.saves,
      bad: ['failed'],
      notable: ['invalid', 'conflict'],
    },
    { title: 'Gaps', group: 'gaps', counts: state.gaps, describe: words.gaps, notable: names(state.gaps) },
    {
      title: 'Errors',
      group: 'journalErrors',
      counts: state.journalErrors,
      describe: words.errors,
      bad: names(state.journalErrors),
    },
  ]);
  const seconds = Math.round(state.recentSeconds);
  for (const cell of document.querySelectorAll('th.recent')) {
    setText(cell, seconds >= 58 ? 'Last minute' : `Last ${seconds} s`);
  }
}

/** The journal is read at least once in each poll interval, so a shorter time says nothing. */
function lastRead(tailAge) {
  if (tailAge === null) return 'not yet';
  return tailAge > pollInterval + 1 ? `${lag(tailAge)} ago` : 'up to date';
}

function showCache({ cache, problem, replayed }) {
  const facts = [['Ready', problem ? `no: ${problem.message}` : 'yes', problem ? 'alarming' : '']];
  if (cache) {
    facts.push(
      [cache.kind === 'Redis' ? 'Redis server' : 'Place', cache.location],
      ['Newest entry', count(cache.newest)],
      ['Last read to its end', lastRead(cache.tailAge), problem ? 'alarming' : ''],
      ['Replayed to resuming streams', plural(replayed, 'event')],
      ['Journal replaced', plural(cache.epochChanges, 'time')],
    );
    if (cache.kind === 'Redis') facts.push(['Reconnected', plural(cache.redisReconnects, 'time')]);
    facts.push(['Epoch', cache.epoch]);
  }
  setFacts(find('#cache'), facts);
}

function showState(state) {
  for (const group of ['saves', 'journalErrors', 'gaps', 'refused', 'closed']) note(group, state[group]);
  find('#main').hidden = false;
  server = state.server;
  showServer(server);
  showHealth(state);
  showTiles(state);
  showRecent(state.recentEvents);
  showEvents(state);
  showCounts(state);
  showCache(state);
}

function showSettings({ settings, keys, allowsTestEvents, version }) {
  pollInterval = Number.parseFloat(settings.find(({ name }) => name === 'SSE_POLL_INTERVAL')?.value) || 0;
  find('#test').hidden = !allowsTestEvents || !keys.length;
  setKeys(keys);
  find('#no-settings').hidden = settings.length > 0;
  find('#settings').parentElement.hidden = !settings.length;
  const rows = settings.map(({ name, value, origin }) => [
    { text: name, code: true },
    { text: value || 'empty', className: value ? '' : 'quiet' },
    { text: origin, className: origin === 'default' ? 'quiet' : '' },
  ]);
  setRows(find('#settings').tBodies[0], rows);
  setText(find('#version'), `actix-web-sse ${version}`);
}

function showSnapshot(snapshot) {
  showsValues = snapshot.showsValues;
  configVersion ??= snapshot.state.configVersion;
  showSettings(snapshot);
  // Behind a load balancer, the snapshot may be of another server than the stream. The stream counts.
  if (!isSame(server, snapshot.state.server)) return;
  const { points } = snapshot;
  byteRates = points.slice(-AVERAGED_POINTS).map((point) => point[3]);
  for (const [tile, index] of charts) tile.chart.reset(points.map((point) => point[index]));
  showState(snapshot.state);
}

function receive(state) {
  const isOther = !isSame(server, state.server);
  if (isOther) {
    noticeOtherServer(state.server, server);
    byteRates = [];
    for (const [tile] of charts) tile.chart.reset([]);
  }
  if (isOther || state.configVersion !== configVersion) {
    configVersion = state.configVersion;
    connection.loadSnapshot();
  }
  if (state.point) byteRates = [...byteRates, state.point[3]].slice(-AVERAGED_POINTS);
  for (const [tile, index] of charts) tile.chart.add(state.point?.[index] ?? null);
  showState(state);
}

const CONNECTIONS = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'No connection: these figures are old',
};

function showConnection() {
  const { status, failure } = connection;
  document.body.dataset.connection = status;
  const isEmpty = find('#main').hidden;
  setText(find('#connection'), status === 'lost' && isEmpty ? 'No connection' : CONNECTIONS[status]);
  find('#failure').hidden = status !== 'lost';
  const reason = failure ?? 'The server cannot be reached, or sends nothing.';
  setText(find('#failure'), status === 'lost' ? `${reason} This page tries again every 10 seconds.` : '');
  if (!isEmpty) showTitles(status === 'lost', server);
}

const connection = new Connection({ state: receive, snapshot: showSnapshot, change: showConnection });
