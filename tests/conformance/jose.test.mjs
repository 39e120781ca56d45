// jose's reading of the tokens and keys that auth publishes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { newUser, url } from './florin.mjs';

const keys = createRemoteJWKSet(new URL(url + '/.well-known/jwks.json'));

test('jose verifies an access token from the published keys', async () => {
  const user = await newUser();
  const { payload } = await jwtVerify(user.token, keys, {
    typ: 'at+jwt',
    algorithms: ['ES256'],
    audience: 'florin',
    requiredClaims: ['iss', 'sub', 'exp', 'iat', 'jti', 'scope'],
  });
  assert.equal(payload.sub, user.id);
  assert.deepEqual(Object.keys(decodeProtectedHeader(user.token)).sort(), ['alg', 'kid', 'typ']);
});

test('jose refuses an access token of which one character was changed', async () => {
  const { token } = await newUser();
  const [header, payload, signature] = token.split('.');
  const changed = (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1);
  await assert.rejects(jwtVerify(`${header}.${payload}.${changed}`, keys));
});
