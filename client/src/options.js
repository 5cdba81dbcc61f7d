// The options of a client, as its subscription needs them.

import { audienceNames } from './audiences.js';
import { withQuery } from './url.js';

/**
 * Reads the options of a client, and the parameters that stand for them in its URL. Returns the client's `url`
 * and the options of its subscription.
 */
export function subscriptionOptions(address, pageUrl, options) {
  const { withCredentials, events = [], lastEventId, resume = true, share = true, headers } = options;
  const base = new URL(address, pageUrl);
  const list = (name) => base.searchParams.get(name)?.split(',') ?? [];
  const requested = [...events, ...list('events')];
  const to = audienceNames([...[options.to ?? []].flat(), ...list('to')]);
  const { latest = base.searchParams.get('latest') === 'true' } = options;
  // Headers that cannot be sent are an error of the page, which it should see at once.
  if (headers && typeof headers !== 'function') new Headers(headers);
  for (const name of ['events', 'to', 'latest']) base.searchParams.delete(name);
  const request = withQuery(base, { to: to.join() });
  const url = withQuery(request, { events: requested.join() });
  return {
    url,
    subscription: {
      url: request,
      credentials: withCredentials ? 'include' : 'same-origin',
      headers,
      events: requested,
      latest: Boolean(latest),
      lastEventId,
      share: shareName(request, Boolean(withCredentials), headers ? givenName(share) : share),
      storageKey: resume && `sse ${url}`,
    },
  };
}

/** Tabs with headers may belong to different users, unless the page says that they do not. */
function givenName(share) {
  return share && share !== true ? share : false;
}

function shareName(url, withCredentials, share) {
  if (share === false || !navigator.locks || !globalThis.BroadcastChannel) return undefined;
  // Tabs that may receive different events must not share a connection. Nor must tabs with an earlier version of
  // this file, which compare no identities: their messages have another format, named by the number.
  return JSON.stringify(['sse 2', url, withCredentials, String(share)]);
}
