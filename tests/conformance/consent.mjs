// A user at the pages that an app has sent the browser to.
import { openBrowser } from './browser.mjs';
import { password } from './florin.mjs';

// Logs in on the pages, consents, and gives the URL that the app was called with.
export async function consentInBrowser(authorizationUrl, user) {
  const browser = await openBrowser();
  try {
    const { page } = browser;
    await page.goto(authorizationUrl.href);
    await page.fill('input[name=email]', user.email);
    await page.fill('input[name=password]', password);
    await page.click('main form:has(input[name=password]) button[type=submit]');
    await page.waitForURL(/\/auth\/consent|127\.0\.0\.1/);
    if (page.url().includes('/auth/consent')) await page.click('button[name=decision][value=allow]');
    await page.waitForURL(/^http:\/\/127\.0\.0\.1/);
    return new URL(page.url());
  } finally {
    await browser.close();
  }
}
