// What the reasons mean. The names are those of the metrics.

export const opened = {
  new: 'by new clients',
  resumed: 'by clients that resume',
};

export const closed = {
  client: 'by the client or its connection',
  duration: 'after SSE_STREAM_DURATION',
  drain: 'at a shutdown',
  stalled: 'the client did not read',
  revoked: 'an audience was revoked',
  expired: 'the authorization was over',
  error: 'the cache could not be read',
  requests: 'too many requests over its connection',
};

export const refused = {
  request: 'the request was not valid',
  busy: 'a limit was reached, or the server stops',
  host: 'for a host that is not allowed',
  forbidden: 'the client may not have it',
  audience: 'the app granted a name that is not valid',
  unavailable: 'the cache or the configuration failed',
  app: 'by the app',
  'app-error': 'the app could not decide',
};

export const saves = {
  saved: 'saved',
  ingested: 'taken from files of other programs',
  repeated: 'repeated with the same idempotency key',
  conflict: 'in conflict with an idempotency key',
  invalid: 'not valid',
  failed: 'failed',
};

export const gaps = {
  'unknown-id': 'a last event id that is not known',
  'other-epoch': 'the journal was replaced or lost entries',
  expired: 'the time to live of missed values was over',
  swept: 'missed values were swept',
  unreadable: 'a value cannot be read',
};

export const errors = {
  append: 'when saving',
  check: 'when checking the cache',
  get: 'when reading a value',
  ingest: 'when taking files of other programs',
  replay: 'when reading for clients that were away',
  sweep: 'when removing old entries',
  tail: 'when reading what is new',
};
