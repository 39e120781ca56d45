// The pages for people in a real browser: a passkey by Chromium's virtual authenticator, one-time
// codes, and what no page may do.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { addAuthenticator, openBrowser, picture } from './browser.mjs';
import { newUser, password, url } from './florin.mjs';

let browser;
before(async () => (browser = await openBrowser({ viewport: { width: 390, height: 844 } })));
after(() => browser.close());

async function logIn(page, user) {
  await page.goto(url + '/auth/login');
  await page.fill('input[name=email]', user.email);
  await page.fill('input[name=password]', password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

// RFC 6238 with SHA-1, 30 seconds, 6 digits.
function code(base32, now = Date.now()) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...base32].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = mac[19] & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

test('Chromium registers a passkey and logs in with it', async () => {
  const user = await newUser();
  const { page } = browser;
  const { session, authenticatorId } = await addAuthenticator(page);
  await page.goto(url + '/auth/login');
  await picture(page, 'login');
  await logIn(page, user);
  await page.waitForURL(/\/auth\/account/);
  await picture(page, 'account');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await picture(page, 'passkey');
  await page.fill('input[name=label]', 'Test key');
  await page.getByRole('button', { name: 'Create the passkey' }).click();
  await page.waitForURL(/\/auth\/account\?notice=passkey-added$/);
  await page.getByText('Test key').first().waitFor();
  const { credentials } = await session.send('WebAuthn.getCredentials', { authenticatorId });
  assert.equal(credentials.length, 1);
  assert.equal(credentials[0].isResidentCredential, true);
  assert.equal(credentials[0].rpId, 'localhost');

  await browser.context.clearCookies();
  // The page offers passkeys in the e-mail field as well (conditional mediation), which the virtual
  // authenticator may take up before the button is reached.
  await page.goto(url + '/auth/login');
  const button = page.getByRole('button', { name: 'Use a passkey' });
  await button.click({ timeout: 5_000 }).catch(() => {});
  await page.waitForURL(/\/auth\/account$/);
  await page.getByText('Test key').first().waitFor();
  await session.send('WebAuthn.disable');
});

test('a one-time code is asked for after the password once it is set up', async () => {
  const user = await newUser();
  const { page } = browser;
  await browser.context.clearCookies();
  await logIn(page, user);
  await page.waitForURL(/\/auth\/account$/);
  await page.locator('form[action="/auth/account/totp"] button').click();
  await picture(page, 'totp');
  const secret = (await page.locator('p.secret').first().textContent()).replace(/\s/g, '');
  await page.fill('input[name=code]', code(secret));
  await page.locator('form[action="/auth/account/totp/confirm"] button[type=submit]').click();
  await page.waitForURL(/\/auth\/account/);

  await browser.context.clearCookies();
  await logIn(page, user);
  await page.waitForURL(/\/auth\/second-factor/);
  await picture(page, 'second-factor');
  // The code that confirmed the set-up was used: it does not count again (RFC 6238 section 5.2).
  await page.fill('input[name=code]', code(secret));
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await page.waitForURL(/\/auth\/second-factor/);
  await page.getByRole('alert').first().waitFor();
  // The next step's code is accepted early, as RFC 6238 section 5.2 allows for clocks that differ.
  await page.fill('input[name=code]', code(secret, Date.now() + 30_000));
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await page.waitForURL(/\/auth\/account$/);
});

test('no page can be framed, runs inline script or loads from elsewhere', async () => {
  const paths = ['login', 'register', 'account', 'approval'].map((name) => `/auth/${name}`);
  for (const path of [...paths, '/oauth/authorize']) {
    const response = await fetch(url + path, { redirect: 'manual' });
    const policy = response.headers.get('content-security-policy') ?? '';
    if (response.status === 303) continue;
    assert.match(policy, /default-src 'none'/, path);
    assert.match(policy, /frame-ancestors 'none'/, path);
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|\*/, path);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('cache-control'), 'no-store');
  }
});

test('a form of another origin is refused', async () => {
  const page = await fetch(url + '/auth/login');
  // getSetCookie() is not in Node.js 18.
  const set = page.headers.get('set-cookie').split(/, (?=__Host-)/);
  const cookie = set.map((one) => one.split(';')[0]).join('; ');
  const token = /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1];
  assert.ok(token);
  const send = (headers, csrf = token) =>
    fetch(url + '/auth/login', {
      method: 'POST',
      redirect: 'manual',
      headers: { Cookie: cookie, 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ csrf, email: 'a@example.com', password: 'wrong horse battery' }),
    });
  assert.equal((await send({ Origin: 'https://evil.example' })).status, 403);
  assert.equal((await send({ Origin: url, 'Sec-Fetch-Site': 'cross-site' })).status, 403);
  assert.equal((await send({ Origin: url }, 'wrong')).status, 403);
  assert.notEqual((await send({ Origin: url, 'Sec-Fetch-Site': 'same-origin' })).status, 403);
});
