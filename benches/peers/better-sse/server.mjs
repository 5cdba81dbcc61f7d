// Node.js with better-sse: a session for each client, and a channel that broadcasts to all. With the address of a
// Redis server as its argument, it publishes through Redis, as several servers would.

import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { createChannel, createSession } from 'better-sse';

const channel = createChannel();
let delivered = 0;

const options = {
  // The bodies are JSON already.
  serializer: String,
  // The streams of the other servers do not begin with `retry`.
  retry: null,
  headers: { 'Cache-Control': 'no-cache' },
};

async function stream(request, response) {
  const session = await createSession(request, response, options);
  channel.register(session);
  // Shows the client that the stream is open.
  await session.batch((buffer) => buffer.comment().dispatch());
}

function broadcast(body) {
  delivered += 1;
  channel.broadcast(body, 'order', { eventId: `0123456789abcdef-${delivered}` });
}

const redisAddress = process.argv[2];
const send = redisAddress ? await throughRedis(redisAddress) : broadcast;

// Loads the package only if it is used, because it would count as memory of the server without Redis.
async function throughRedis(address) {
  const { connect } = await import('./redis.mjs');
  return connect(address, broadcast);
}

async function publish(request, response) {
  const body = await text(request);
  try {
    await send(body);
    response.writeHead(204).end();
  } catch (error) {
    console.error(error.message);
    response.writeHead(503, { 'Content-Length': 0 }).end();
  }
}

function notFound(_request, response) {
  response.writeHead(404, { 'Content-Length': 0 }).end();
}

const routes = { 'GET /stream': stream, 'POST /publish': publish };

const server = createServer((request, response) => {
  const route = routes[`${request.method} ${request.url}`] ?? notFound;
  route(request, response);
});

// The publisher's connection is idle for longer than the default of five seconds.
server.keepAliveTimeout = 3_600_000;

// Room for all clients that connect at the same time.
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});
