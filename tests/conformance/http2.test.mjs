// HTTP/2 as Node.js speaks it, and gRPC as grpc-js does, which shares no code with the gRPC inside.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { test } from 'node:test';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { newUser, password, url } from './florin.mjs';

const ca = readFileSync(process.env.FLORIN_CA);
const protos = protoLoader.loadSync(
  ['florin/auth/v1/auth.proto', 'florin/accounts/v1/accounts.proto'],
  {
    includeDirs: [process.env.FLORIN_PROTOS, '/usr/share/gocode/src/github.com/gogo/googleapis'],
    keepCase: true,
    longs: String,
    enums: String,
  },
);
const { florin } = grpc.loadPackageDefinition(protos);

// A client of one service; a call gives its response, metadata and error.
function client(Service) {
  const stub = new Service(new URL(url).host, grpc.credentials.createSsl(ca));
  return {
    call: (method, request, fields = {}) =>
      new Promise((resolve) => {
        const metadata = new grpc.Metadata();
        for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
        const outcome = {};
        const call = stub[method](request, metadata, (error, response) =>
          resolve(Object.assign(outcome, { error, response })));
        call.on('metadata', (initial) => (outcome.metadata = initial.getMap()));
      }),
    close: () => stub.close(),
  };
}

const bearer = (token) => ({ authorization: `Bearer ${token}`, 'idempotency-key': randomUUID() });

test('grpc-js registers, logs in and opens an account', async () => {
  const auth = client(florin.auth.v1.Auth);
  const accounts = client(florin.accounts.v1.Accounts);
  const email = `user-${randomUUID()}@example.com`;
  const key = { 'idempotency-key': randomUUID() };
  const user = await auth.call('Register', { email, password }, key);
  assert.equal(user.error, null);
  assert.match(user.metadata['x-request-id'], /^req_/);
  const again = await auth.call('Register', { email, password }, key);
  assert.equal(again.response.user_id, user.response.user_id);
  assert.equal(again.metadata['idempotency-replayed'], 'true');
  const login = await auth.call('LogIn', { email, password });
  const token = login.response.access_token;
  const customer = await accounts.call('CreateCustomer', { display_name: 'Zoë' }, bearer(token));
  assert.equal(customer.error, null);
  const account = await accounts.call(
    'OpenAccount',
    { customer_id: customer.response.customer_id, currency: 'EUR' },
    bearer(token),
  );
  assert.equal(account.error, null);
  assert.match(account.response.account_id, /^acc_/);
  auth.close();
  accounts.close();
});

test('grpc-js is told the reason of a refusal', async () => {
  const accounts = client(florin.accounts.v1.Accounts);
  const missing = await accounts.call('ListAccounts', {});
  assert.equal(missing.error.code, grpc.status.UNAUTHENTICATED);
  const { token } = await newUser();
  const refused = await accounts.call('GetAccount', { account_id: 'acc_nothing' }, bearer(token));
  assert.ok(refused.error.code !== grpc.status.OK);
  const details = refused.error.metadata.get('grpc-status-details-bin')[0].toString('latin1');
  assert.match(details, /google\.rpc\.ErrorInfo/);
  assert.match(details, /invalid_id|account_not_found/);
  accounts.close();
});

test('grpc-js cannot call what is not published', async () => {
  const accounts = client(florin.accounts.v1.Accounts);
  const { token } = await newUser();
  const refused = await accounts.call('LookUpAccounts', {}, bearer(token));
  assert.equal(refused.error.code, grpc.status.UNIMPLEMENTED);
  accounts.close();
});

test('node:http2 has a hundred requests answered on one connection', async () => {
  const session = connect(url, { ca });
  const ask = () =>
    new Promise((resolve, reject) => {
      const request = session.request({ ':path': '/.well-known/jwks.json' });
      let status = 0;
      let body = '';
      request.on('response', (fields) => (status = fields[':status']));
      request.on('data', (piece) => (body += piece));
      request.on('end', () => resolve({ status, body }));
      request.on('error', reject);
    });
  const answers = await Promise.all(Array.from({ length: 100 }, ask));
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.body).keys.length, 1);
  }
  session.close();
});

test('fetch calls by gRPC-Web over HTTP/1.1', async () => {
  for (const [type, coded] of [
    ['application/grpc-web+proto', (bytes) => bytes],
    ['application/grpc-web-text+proto', (bytes) => bytes.toString('base64')],
  ]) {
    const response = await fetch(`${url}/florin.auth.v1.Auth/GetJsonWebKeySet`, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body: coded(Buffer.alloc(5)),
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), type);
    let body = Buffer.from(await response.arrayBuffer());
    if (type.includes('text')) body = Buffer.from(body.toString('latin1'), 'base64');
    const size = body.readUInt32BE(1);
    assert.equal(body[0], 0);
    assert.equal(body[5 + size], 0x80);
    assert.match(body.subarray(5 + size + 5).toString(), /^grpc-status: 0\r\n$/);
  }
});
