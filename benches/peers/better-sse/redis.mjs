// Redis pub/sub between servers of better-sse, with the client's default settings.

import { createClient } from 'redis';

const REDIS_CHANNEL = 'events';

// Passes each message of every server to `broadcast`. The result publishes a message to all servers.
export async function connect(url, broadcast) {
  const publisher = await open(createClient({ url }));
  // A connection that has subscribed cannot publish.
  const subscriber = await open(publisher.duplicate());
  await subscriber.subscribe(REDIS_CHANNEL, broadcast);
  return (message) => publisher.publish(REDIS_CHANNEL, message);
}

// The client reconnects by itself. Without a listener, an error would end the process.
function open(client) {
  return client.on('error', (error) => console.error(error.message)).connect();
}
