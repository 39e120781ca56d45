// openid-client, a certified relying party, through whole flows of the FAPI 2.0 profile: pushed
// authorization request, PKCE, DPoP, code, refresh.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { exportJWK, generateKeyPair } from 'jose';
import * as openid from 'openid-client';
import { consentInBrowser } from './consent.mjs';
import { newUser, url } from './florin.mjs';
import { registerClient } from './operator.mjs';

const scopes = ['openid', 'accounts:read', 'payments:read'];
let app; // What the browser is redirected to: an app's page on loopback (RFC 8252 section 7.3).
let arrivals = [];

before(async () => {
  app = createServer((request, response) => {
    arrivals.push(request.url);
    response.end('You may close this page.');
  });
  await new Promise((resolve) => app.listen(0, '127.0.0.1', resolve));
});
after(() => app.close());

const redirectUri = () => `http://127.0.0.1:${app.address().port}/callback`;

async function begin(config, handle) {
  const verifier = openid.randomPKCECodeVerifier();
  const expected = { state: openid.randomState(), nonce: openid.randomNonce() };
  const authorizationUrl = await openid.buildAuthorizationUrlWithPAR(
    config,
    {
      redirect_uri: redirectUri(),
      scope: scopes.join(' '),
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...expected,
    },
    handle && { DPoP: handle },
  );
  assert.deepEqual([...authorizationUrl.searchParams.keys()].sort(), ['client_id', 'request_uri']);
  return { authorizationUrl, verifier, expected };
}

const redeem = (config, handle, callback, begun) =>
  openid.authorizationCodeGrant(
    config,
    callback,
    {
      pkceCodeVerifier: begun.verifier,
      expectedState: begun.expected.state,
      expectedNonce: begun.expected.nonce,
    },
    undefined,
    { DPoP: handle },
  );

const readAccounts = (config, token, handle) =>
  openid.fetchProtectedResource(config, token, new URL(url + '/v1/accounts'), 'GET', null, null, {
    DPoP: handle,
  });

test('openid-client completes code, PKCE, PAR, DPoP and refresh as a public client', async () => {
  const id = await registerClient({
    type: 'PUBLIC',
    client_name: 'Conformance app',
    redirect_uris: [redirectUri()],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    scopes,
    dpop_bound_access_tokens: true,
  });
  const user = await newUser();
  const config = await openid.discovery(new URL(url), id, undefined, openid.None());
  assert.equal(config.serverMetadata().issuer, url);
  const handle = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
  const begun = await begin(config, handle);
  const callback = await consentInBrowser(begun.authorizationUrl, user);
  assert.equal(callback.searchParams.get('iss'), url);

  const tokens = await redeem(config, handle, callback, begun);
  assert.equal(tokens.token_type, 'dpop');
  assert.equal(tokens.claims().sub, user.id);
  assert.equal((await readAccounts(config, tokens.access_token, handle)).status, 200);

  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token, undefined, {
    DPoP: handle,
  });
  assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
  assert.equal((await readAccounts(config, refreshed.access_token, handle)).status, 200);

  // The code was used: a second try takes back what the first one got.
  await assert.rejects(redeem(config, handle, callback, begun), { error: 'invalid_grant' });
  await assert.rejects(
    openid.refreshTokenGrant(config, refreshed.refresh_token, undefined, { DPoP: handle }),
    { error: 'invalid_grant' },
  );
});

test('openid-client completes the flow with private_key_jwt', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  const id = await registerClient({
    type: 'CONFIDENTIAL',
    client_name: 'Conformance server',
    redirect_uris: [redirectUri()],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: JSON.stringify({ keys: [jwk] }),
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scopes,
    dpop_bound_access_tokens: true,
  });
  const user = await newUser();
  const authentication = openid.PrivateKeyJwt({ key: privateKey, kid: 'k1' });
  const config = await openid.discovery(new URL(url), id, undefined, authentication);
  const handle = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
  const begun = await begin(config, handle);
  const callback = await consentInBrowser(begun.authorizationUrl, user);
  const tokens = await redeem(config, handle, callback, begun);
  assert.equal(tokens.claims().sub, user.id);
  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token, undefined, {
    DPoP: handle,
  });
  assert.equal((await readAccounts(config, refreshed.access_token, handle)).status, 200);
  const introspected = await openid.tokenIntrospection(config, refreshed.access_token);
  assert.equal(introspected.active, true);
  await openid.tokenRevocation(config, tokens.refresh_token);
  const again = await openid.tokenIntrospection(config, refreshed.access_token);
  assert.equal(again.active, false);
});

test('a token bound to a key is no bearer token, and no other key may use it', async () => {
  const id = await registerClient({
    type: 'PUBLIC',
    client_name: 'Conformance thief',
    redirect_uris: [redirectUri()],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    scopes,
    dpop_bound_access_tokens: true,
  });
  const user = await newUser();
  const config = await openid.discovery(new URL(url), id, undefined, openid.None());
  const handle = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
  const begun = await begin(config, handle);
  const callback = await consentInBrowser(begun.authorizationUrl, user);
  const tokens = await redeem(config, handle, callback, begun);
  const bearer = await fetch(url + '/v1/accounts', {
    headers: { Authorization: `Bearer ${tokens.access_token}` },
  });
  assert.equal(bearer.status, 401);
  const thief = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
  await assert.rejects(async () => {
    const stolen = await readAccounts(config, tokens.access_token, thief);
    assert.equal(stolen.status, 401);
    throw new Error('refused');
  });
});
