// What the tests share: the stack's place, and a user of it.
import { randomUUID } from 'node:crypto';

export const url = process.env.FLORIN_URL;
export const password = 'correct horse battery staple';

export async function call(method, path, { token, body, key = randomUUID(), headers = {} } = {}) {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body && { 'Content-Type': 'application/json' }),
      ...(method === 'POST' && { 'Idempotency-Key': key }),
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

// A user whom nobody used before, with the token of a login.
export async function newUser() {
  const email = `user-${randomUUID()}@example.com`;
  const user = await call('POST', '/v1/users', { body: { email, password } });
  if (user.status !== 200) throw new Error(JSON.stringify(user.body));
  const login = await call('POST', '/v1/login', { body: { email, password } });
  if (login.status !== 200) throw new Error(JSON.stringify(login.body));
  return { email, id: user.body.user_id, token: login.body.access_token };
}
