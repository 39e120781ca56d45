// openid-client and Node's own TLS as a machine that proves who it is by a certificate that it made
// itself (RFC 8705): tokens of that certificate, and what they are good for.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as openid from 'openid-client';
import { consentInBrowser } from './consent.mjs';
import { newUser, url } from './florin.mjs';
import { registerClient } from './operator.mjs';

const ca = readFileSync(process.env.FLORIN_CA);

// A key and a certificate of it.
function newIdentity(name) {
  const directory = mkdtempSync(join(tmpdir(), 'florin-mtls-'));
  try {
    const [keyFile, certificateFile] = [join(directory, 'key'), join(directory, 'certificate')];
    execFileSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-subj', `/CN=${name}`, '-days', '2', '-keyout', keyFile, '-out', certificateFile],
    ], { stdio: 'pipe' });
    return { key: readFileSync(keyFile), cert: readFileSync(certificateFile) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

// fetch() on connections that show a certificate, which Node's own cannot.
const fetchAs = (identity) => (target, options = {}) =>
  new Promise((resolve, reject) => {
    const headers = Object.fromEntries(new Headers(options.headers));
    const call = request(target, { method: options.method, headers, ca, agent: false, ...identity });
    call.on('error', reject);
    call.on('response', async (response) => {
      const chunks = [];
      for await (const chunk of response) chunks.push(chunk);
      const body = chunks.length > 0 ? Buffer.concat(chunks) : null;
      resolve(new Response(body, { status: response.statusCode, headers: response.headers }));
    });
    call.end(options.body?.toString());
  });

// The status of a GET over HTTP/2.
const http2Status = (base, path, token, identity) =>
  new Promise((resolve, reject) => {
    const session = connect(base, { ca, ...identity });
    session.on('error', reject);
    const stream = session.request({ ':path': path, authorization: `Bearer ${token}` });
    stream.on('response', (headers) => resolve(headers[':status']));
    stream.on('close', () => session.close());
    stream.on('error', reject);
    stream.resume();
    stream.end();
  });

let app, partner, thief, thumbprint, clientId, config, base, token;

before(async () => {
  app = createServer((_, response) => response.end('You may close this page.'));
  await new Promise((resolve) => app.listen(0, '127.0.0.1', resolve));
  const redirectUri = `http://127.0.0.1:${app.address().port}/callback`;
  partner = newIdentity('partner');
  thief = newIdentity('thief');
  thumbprint = createHash('sha256')
    .update(new X509Certificate(partner.cert).raw)
    .digest('base64url');
  clientId = await registerClient({
    type: 'CONFIDENTIAL',
    client_name: 'Conformance partner',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    certificate_thumbprint: thumbprint,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scopes: ['openid', 'accounts:read'],
    require_mtls: true,
  });
  config = await discover(partner);
  base = new URL(config.serverMetadata().mtls_endpoint_aliases.token_endpoint).origin;
  token = await tokenOfUser(redirectUri);
});
after(() => app.close());

const confirmationIn = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url')).cnf;

// Code, PKCE and PAR, as a user consents to it.
async function tokenOfUser(redirectUri) {
  const verifier = openid.randomPKCECodeVerifier();
  const [state, nonce] = [openid.randomState(), openid.randomNonce()];
  const authorizationUrl = await openid.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: redirectUri,
    scope: 'openid accounts:read',
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  });
  const callback = await consentInBrowser(authorizationUrl, await newUser());
  const tokens = await openid.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
  });
  assert.equal(tokens.token_type, 'bearer');
  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token);
  assert.deepEqual(confirmationIn(refreshed.access_token), { 'x5t#S256': thumbprint });
  return tokens.access_token;
}

const discover = (identity, aliases = true) =>
  openid.discovery(
    new URL(url),
    clientId,
    { use_mtls_endpoint_aliases: aliases },
    openid.TlsClientAuth(),
    { [openid.customFetch]: fetchAs(identity) },
  );

const accountsAs = async (origin, identity, bearer = token) =>
  (await fetchAs(identity)(`${origin}/v1/accounts`, {
    method: 'GET',
    headers: { authorization: `Bearer ${bearer}` },
  })).status;

test('openid-client uses a token of its certificate on the API', async () => {
  assert.notEqual(base, url);
  assert.deepEqual(confirmationIn(token), { 'x5t#S256': thumbprint });
  const answer = await openid.fetchProtectedResource(
    config, token, new URL(`${base}/v1/accounts`), 'GET');
  assert.equal(answer.status, 200);
  assert.equal(await http2Status(base, '/v1/accounts', token, partner), 200);
});

test('the token is good for nobody else, nor where no certificate is asked for', async () => {
  assert.equal(await accountsAs(base, thief), 401);
  assert.equal(await accountsAs(base, {}), 401);
  assert.equal(await accountsAs(url, partner), 401);
  assert.equal(await http2Status(base, '/v1/accounts', token, thief), 401);
  assert.equal(await http2Status(base, '/v1/accounts', token, {}), 401);
  assert.equal(await http2Status(url, '/v1/accounts', token, partner), 401);
});

test('nobody gets a token as the client without its key', async () => {
  for (const [identity, aliases] of [[thief, true], [{}, true], [partner, false]]) {
    const other = await discover(identity, aliases);
    await assert.rejects(openid.clientCredentialsGrant(other, { scope: 'accounts:read' }), {
      error: 'invalid_client',
    });
  }
});

test('the client has tokens of its own, introspects and takes them back', async () => {
  const { access_token: own } = await openid.clientCredentialsGrant(config, {
    scope: 'accounts:read',
  });
  assert.deepEqual(confirmationIn(own), { 'x5t#S256': thumbprint });
  // It is no user, who would have accounts; as a stolen one it would be 401.
  assert.equal(await accountsAs(base, partner, own), 403);
  assert.equal(await accountsAs(base, thief, own), 401);
  const introspected = await openid.tokenIntrospection(config, own);
  assert.equal(introspected.active, true);
  assert.deepEqual(introspected.cnf, { 'x5t#S256': thumbprint });
  await openid.tokenRevocation(config, own);
  assert.equal((await openid.tokenIntrospection(config, own)).active, false);
});
