// usage: node server.mjs MAJOR PORT SECRET
// What the callback of a custom channel needs at the least: the signature over the raw body, the JSON, an answer.
// MAJOR is that of @hono/node-server: 1 is what most receivers in use were written with, 2 is much faster.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';

const [major, port, secret] = process.argv.slice(2);
const { serve } = await import(`node-server-${major}`);

function isFromFront(body, signature) {
  const wanted = createHmac('sha1', secret).update(body).digest();
  const given = Buffer.from(signature ?? '', 'base64');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function parse(body) {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

const app = new Hono();

app.post('/front/bench', async (c) => {
  const body = await c.req.text();
  if (!isFromFront(body, c.req.header('x-front-signature')))
    return c.json({ type: 'authentication_required', message: 'The signature is wrong.' }, 401);
  const message = parse(body);
  if (!message?.id || !Array.isArray(message.recipients))
    return c.json({ type: 'bad_request', message: 'The body is not a message.' }, 400);
  return c.json({
    type: 'success',
    external_id: message.id,
    external_conversation_id: message._links.related.conversation.split('/').pop(),
  });
});

serve({ fetch: app.fetch, port: Number(port), hostname: '127.0.0.1' });
