// Opens the dashboard in a browser, over HTTP and as a file, narrow and wide, light and dark, and prints as JSON what it saw.
import { chromium } from 'playwright-core';

const { BROWSER, PAGE_URL, PAGE_FILE, KEY, SHOTS } = process.env;
const browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox', '--disable-gpu'] });
const seen = [];

for (const [how, url] of [['http', PAGE_URL], ['file', 'file://' + PAGE_FILE]]) {
  for (const width of [400, 1400]) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce',
        extraHTTPHeaders: how === 'http' ? { 'x-api-key': KEY } : {} });
      const page = await context.newPage();
      const requests = [], complaints = [];
      page.on('request', request => requests.push(request.url()));
      page.on('console', message => complaints.push(message.text()));
      page.on('pageerror', error => complaints.push(String(error)));
      page.on('dialog', dialog => { complaints.push('a dialog'); dialog.dismiss(); });
      await page.clock.install();
      await page.goto(url);
      const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
      const one = { how, width, colorScheme, fits: await fits() };
      // Light behind dark letters, or the other way.
      one.background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      // Tab reaches what can be used, and shows where it is.
      await page.keyboard.press('Tab');
      one.firstFocus = await page.evaluate(() => document.activeElement.getAttribute('href'));
      one.outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      // By keyboard alone: the numbers of the charts, and a conversation.
      for (const [name, css] of [['numbers', '#numbers'], ['conversation', 'details[id^="ct-"]']]) {
        const isOpen = () => page.evaluate(css => document.querySelector(css).open, css);
        await page.evaluate(css => document.querySelector(css + ' > summary').focus(), css);
        await page.keyboard.press('Enter');
        one[name] = [await isOpen()];
        await page.keyboard.press('Enter');
        one[name].push(await isOpen());
      }
      if (how === 'http') {
        // Again after 30 seconds: what was open stays open.
        await page.evaluate(() => { document.activeElement.blur(); document.querySelector('#numbers').open = true; document.querySelector('#page').old = true; });
        const before = requests.length;
        await page.clock.fastForward(31000);
        await page.waitForFunction(() => !document.querySelector('#page').old, null, { timeout: 15000 });
        one.refreshed = requests.length - before;
        one.staysOpen = await page.evaluate(() => document.querySelector('#numbers').open);
        await page.click('#pause');
        await page.evaluate(() => document.activeElement.blur());
        await page.clock.fastForward(61000);
        await page.waitForTimeout(300);
        one.paused = requests.length - before - one.refreshed;
      }
      await page.screenshot({ path: `${SHOTS}/${how}-${width}-${colorScheme}.png`, fullPage: true });
      const links = page.locator('#traces ~ div th a[href^="#t-"]');
      one.links = await links.count();
      const anchor = await links.first().getAttribute('href');
      one.hidden = await page.locator(anchor).isVisible() === false;
      await links.first().focus();
      await page.keyboard.press('Enter');
      one.shown = await page.locator(anchor).isVisible();
      one.bars = await page.locator(anchor + ' svg.bar').count();
      one.fitsWithTrace = await fits();
      await page.locator(anchor).screenshot({ path: `${SHOTS}/${how}-${width}-${colorScheme}-trace.png` });
      await page.click(anchor + ' a[href="#traces"]');
      one.closed = !(await page.locator(anchor).isVisible());
      // What hostile texts would have set, clicked or loaded.
      one.canary = await page.evaluate(() => typeof window.canary);
      one.scripts = await page.evaluate(() => document.scripts.length);
      one.complaints = [...complaints];
      // That a script in the document could not run: the policy stops it, whatever the page holds.
      await page.evaluate(() => { document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.canary = 1">');
        const script = document.createElement('script'); script.textContent = 'window.canary = 1'; document.body.append(script); });
      await page.waitForTimeout(100);
      one.canaryAfterInjection = await page.evaluate(() => typeof window.canary);
      one.refused = complaints.slice(one.complaints.length).every(text => text.includes('Content Security Policy')) && complaints.length > one.complaints.length + 1;
      one.elsewhere = requests.filter(asked => asked !== url && !asked.startsWith(url + '#') && !asked.startsWith('data:'));
      if (how === 'http') {
        // A button's window moves along: an hour stays an hour.
        const since = () => requests.map(asked => new URL(asked).searchParams.get('since')).filter(Boolean).map(Date.parse);
        await page.click('#pause');
        await page.click('[data-hours="1"]');
        await page.waitForFunction(() => /from .* by the minute/.test(document.querySelector('#page').textContent), null, { timeout: 15000 });
        await page.evaluate(() => { document.activeElement.blur(); document.querySelector('#page').old = true; });
        await page.clock.fastForward(120000);
        await page.waitForFunction(() => !document.querySelector('#page').old, null, { timeout: 15000 });
        one.moved = since().at(-1) - since()[0] >= 100000;
        // Who reads is told that the figures stand still.
        await page.evaluate(() => document.querySelector('#page .scroll').focus());
        await page.clock.fastForward(31000);
        one.told = await page.locator('#state').textContent();
      }
      await page.emulateMedia({ media: 'print' });
      one.printed = await page.locator('#overview').isVisible() && !(await page.locator('#controls').isVisible());
      seen.push(one);
      await context.close();
    }
  }
}
await browser.close();
console.log(JSON.stringify(seen));
