// A payment that its payer approves in a real browser: dynamic linking (RTS Art. 5) with a passkey
// of Chromium's virtual authenticator.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addAuthenticator, openBrowser, picture } from './browser.mjs';
import { call, newUser, password, url } from './florin.mjs';

let browser;
before(async () => (browser = await openBrowser({ viewport: { width: 390, height: 844 } })));
after(() => browser.close());

async function openAccount(user, name) {
  const customer = await call('POST', '/v1/customers', {
    token: user.token,
    body: { display_name: name },
  });
  assert.equal(customer.status, 200, JSON.stringify(customer.body));
  const account = await call('POST', '/v1/accounts', {
    token: user.token,
    body: { customer_id: customer.body.customer_id, currency: 'EUR', display_name: 'Everyday' },
  });
  assert.equal(account.status, 200, JSON.stringify(account.body));
  return account.body.account_id;
}

const amount = (minor_units) => ({ currency: 'EUR', minor_units: String(minor_units) });

async function balance(user, account) {
  const found = await call('GET', `/v1/accounts/${account}`, { token: user.token });
  return found.body.balance.posted.minor_units;
}

// A payer with 1000.00 EUR and a payee.
async function parties() {
  const payer = await newUser();
  const payee = await newUser();
  const source = await openAccount(payer, 'Grace Hopper');
  const destination = await openAccount(payee, 'Zoë Müller & Söhne');
  const deposit = await call('POST', '/v1/deposits', {
    token: payer.token,
    body: { destination_account_id: source, amount: amount(100_000) },
  });
  assert.equal(deposit.status, 200, JSON.stringify(deposit.body));
  const pay = async (minor_units) => {
    const payment = await call('POST', '/v1/payments', {
      token: payer.token,
      body: {
        source_account_id: source,
        destination_account_id: destination,
        amount: amount(minor_units),
      },
    });
    assert.equal(payment.status, 200, JSON.stringify(payment.body));
    assert.equal(payment.body.state, 'REQUIRES_ACTION');
    return payment.body;
  };
  const confirm = (payment) =>
    call('POST', `/v1/payments/${payment.payment_id}:confirm`, { token: payer.token, body: {} });
  return { payer, payee, source, destination, pay, confirm };
}

async function logIn(page, user) {
  await page.goto(url + '/auth/login');
  await page.fill('input[name=email]', user.email);
  await page.fill('input[name=password]', password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL(/\/auth\/account/);
}

test('a passkey is registered, logs in and approves a payment', async () => {
  const { payer, payee, source, destination, pay, confirm } = await parties();
  const { page, context } = browser;
  const { session, authenticatorId } = await addAuthenticator(page);
  await logIn(page, payer);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.fill('input[name=label]', 'Test key');
  await page.getByRole('button', { name: 'Create the passkey' }).click();
  await page.waitForURL(/\/auth\/account\?notice=passkey-added$/);

  const payment = await pay(123_45);
  assert.equal((await confirm(payment)).body.reason, 'approval_pending');
  const { approval_url: approvalUrl } = payment.next_action;
  assert.equal(new URL(approvalUrl).origin, url);

  // A browser that nobody is logged in with comes back to the approval from its log-in.
  await context.clearCookies();
  await page.goto(approvalUrl);
  await page.waitForURL(/\/auth\/(login|approval)/);
  if (page.url().includes('/auth/login')) {
    const button = page.getByRole('button', { name: 'Use a passkey' });
    // Or the page's conditional request was answered before.
    await button.click({ timeout: 5_000 }).catch(() => {});
  }
  await page.waitForURL(approvalUrl);
  const facts = (await page.locator('dl.facts').innerText()).replaceAll('\u00a0', ' ');
  assert.match(facts, /123\.45 EUR/);
  assert.match(facts, /Zoë Müller & Söhne/);
  assert.match(facts, new RegExp(destination));
  await picture(page, 'approval');
  const before = await session.send('WebAuthn.getCredentials', { authenticatorId });
  await page.getByRole('button', { name: 'Approve with a passkey' }).click();
  await page.getByText('You have approved this payment.').waitFor();
  await picture(page, 'approved');
  const after = await session.send('WebAuthn.getCredentials', { authenticatorId });
  assert.ok(after.credentials[0].signCount > before.credentials[0].signCount);

  const confirmed = await confirm(payment);
  assert.equal(confirmed.body.state, 'SUCCEEDED', JSON.stringify(confirmed.body));
  assert.equal((await confirm(payment)).body.state, 'SUCCEEDED');
  assert.equal(await balance(payer, source), '87655');
  assert.equal(await balance(payee, destination), '12345');
  await page.reload();
  await page.getByText('it was executed').waitFor();
  await session.send('WebAuthn.disable');
});

test('a declined payment is not executed', async () => {
  const { payer, pay, confirm } = await parties();
  const { page, context } = browser;
  await context.clearCookies();
  const payment = await pay(40_00);
  await logIn(page, payer);
  await page.goto(payment.next_action.approval_url);
  // This payer has nothing to approve with.
  await page.getByText('neither a passkey nor an authenticator app').waitFor();
  await picture(page, 'approval-without-authenticators');
  await page.getByRole('button', { name: 'Decline' }).click();
  await page.getByText('You have declined this payment.').waitFor();
  await picture(page, 'declined');
  assert.equal((await confirm(payment)).body.reason, 'approval_declined');
});

test("another user's approval is no page", async () => {
  const { payee, pay } = await parties();
  const { page, context } = browser;
  await context.clearCookies();
  const payment = await pay(40_00);
  await logIn(page, payee);
  const response = await page.goto(payment.next_action.approval_url);
  assert.equal(response.status(), 404);
  assert.doesNotMatch(await page.content(), /40\.00/);
  assert.match(response.headers()['content-security-policy'], /default-src 'none'/);
});
