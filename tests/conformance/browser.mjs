// Debian's Chromium, headless, that trusts the stack's CA and nothing else new.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

// Gives { context, page, close }. Passkeys need a certificate that the browser trusts, so the CA
// goes into the NSS database of a home directory of its own.
export async function openBrowser(options = {}) {
  const home = mkdtempSync(join(tmpdir(), 'florin-browser-'));
  const database = join(home, '.pki', 'nssdb');
  mkdirSync(database, { recursive: true });
  const certutil = (...args) => execFileSync('certutil', ['-d', `sql:${database}`, ...args]);
  certutil('-N', '--empty-password');
  certutil('-A', '-n', 'florin', '-t', 'C,,', '-i', process.env.FLORIN_CA);
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
    env: { ...process.env, HOME: home },
  });
  const context = await browser.newContext(options);
  const page = await context.newPage();
  return {
    context,
    page,
    close: async () => {
      await browser.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

// A virtual authenticator with user verification and resident keys (WebAuthn section 11).
export async function addAuthenticator(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { session, authenticatorId };
}

// Keeps a picture for people to look at, where FLORIN_SCREENSHOTS names a directory.
export async function picture(page, name) {
  const directory = process.env.FLORIN_SCREENSHOTS;
  if (!directory) return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: `${directory}/${name}.png`, fullPage: true });
}
