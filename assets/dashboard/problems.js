// What an operator should look at, in words.

import { count, lag, plural, sentence, within } from './format.js';
import { happensNow } from './recency.js';
import * as words from './words.js';

/** From this on, somebody notices that an event is late. */
const SLOW_SECONDS = 1;

/** A client this far behind reads slowly, or not at all. */
const MANY_ENTRIES = 1000;

/** The share of the limit from which new clients may soon be refused. */
const NEARLY_FULL = 0.9;

/** Counts that are worth a look. Those that are `bad` are so while they happen, and then are worth a look. */
const COUNTED = [
  {
    group: 'saves',
    names: ['failed'],
    isBad: true,
    text: (sum, when) => `${plural(sum, 'save')} failed ${when}`,
    help: 'The values are lost, unless the program saves them again.',
  },
  {
    group: 'journalErrors',
    describe: words.errors,
    isBad: true,
    text: (sum, when) => `${plural(sum, 'operation')} on the cache failed ${when}`,
    help: 'The app’s log has the errors.',
  },
  {
    group: 'gaps',
    describe: words.gaps,
    text: (sum, when) => `${plural(sum, 'gap')} ${sum === 1 ? 'was' : 'were'} sent ${when}`,
    help: 'Streams may have missed events. Their pages were told so with sse.gap.',
  },
  {
    group: 'refused',
    names: ['busy', 'unavailable', 'audience', 'app-error'],
    describe: words.refused,
    text: (sum, when) => `${plural(sum, 'request')} for a stream had to be refused ${when}`,
  },
  {
    group: 'saves',
    names: ['invalid', 'conflict'],
    describe: words.saves,
    text: (sum, when) => `${plural(sum, 'save')} of this server could not be accepted ${when}`,
  },
  {
    group: 'closed',
    names: ['stalled', 'requests'],
    describe: words.closed,
    text: (sum, when) => `${plural(sum, 'client')} had to be disconnected ${when}`,
  },
];

/** `when saving (3); when reading what is new (1)`, or one reason without its count, which is the sum. */
function reasons(counts, describe) {
  const texts = counts.map(({ name, recent }) => {
    const number = counts.length > 1 ? ` (${count(recent)})` : '';
    return `${describe[name] ?? name}${number}`;
  });
  return texts.join('; ');
}

function counted(state, { group, names, describe, isBad, text, help }) {
  const counts = state[group].filter(({ name, recent }) => recent > 0 && (!names || names.includes(name)));
  if (!counts.length) return [];
  const sum = counts.reduce((before, { recent }) => before + recent, 0);
  const goesOn = counts.some(({ name }) => happensNow(group, name));
  const said = text(sum, within(state.recentSeconds));
  return [
    {
      level: isBad && goesOn ? 'bad' : 'warn',
      text: describe ? `${said}: ${reasons(counts, describe)}.` : `${said}.`,
      help,
    },
  ];
}

function ofServer({ problem, configProblem, recentEpochChanges, recentSeconds }) {
  const found = [];
  if (problem) {
    found.push({ level: 'bad', text: sentence(`Not ready: ${problem.message}`), help: problem.help });
  }
  // Without any configuration, both say the same.
  if (configProblem && configProblem.message !== problem?.message) {
    const text = `The configuration was changed, but the former one is in force: ${configProblem.message}`;
    found.push({ level: 'warn', text: sentence(text), help: configProblem.help });
  }
  if (recentEpochChanges > 0) {
    found.push({
      level: 'warn',
      text: `The journal was replaced or has lost entries ${within(recentSeconds)}.`,
      help:
        'Clients receive sse.gap with the reason other-epoch, and their pages load everything again. ' +
        'If you did not clear or restore the cache, find out what deletes its files or its keys in Redis.',
    });
  }
  return found;
}

function ofStreams({ streams, lagP99, recentSeconds }) {
  const found = [];
  if (lagP99 >= SLOW_SECONDS) {
    found.push({
      level: 'warn',
      text: `Deliveries are slow: one in a hundred took ${lag(lagP99)} or more ${within(recentSeconds)}.`,
      help: 'The machine may be busy, or another program saves with a delay.',
    });
  }
  if (streams.slowestEntries >= MANY_ENTRIES) {
    found.push({
      level: 'warn',
      text: `The slowest stream is ${count(streams.slowestEntries)} entries behind.`,
      help: 'Its client, or a proxy before it, reads slowly. Other streams do not wait for it.',
    });
  }
  if (streams.limit && streams.open >= streams.limit * NEARLY_FULL) {
    found.push({
      level: 'warn',
      text: `${count(streams.open)} of at most ${count(streams.limit)} streams are open.`,
      help: 'SSE_MAX_CONNECTIONS and the limit of open files set the limit.',
    });
  }
  return found;
}

/** The problems of a state, the worst first: `{ level, text, help }`. */
export function findProblems(state) {
  const found = [
    ...ofServer(state),
    ...COUNTED.flatMap((counts) => counted(state, counts)),
    ...ofStreams(state),
  ];
  return found.sort((a, b) => (b.level === 'bad') - (a.level === 'bad'));
}
