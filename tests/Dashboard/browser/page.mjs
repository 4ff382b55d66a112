// Opens each view of the page in headless Chromium and compares what it shows with what the runs have.
// page.mjs JSON: { url, profile, name, losses, scores, liveLosses }
import { chromium } from 'playwright-core';
import assert from 'node:assert/strict';

const expected = JSON.parse(process.argv[2]);
const base = new URL('/', expected.url).href;
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const context = await chromium.launchPersistentContext(expected.profile, { executablePath: '/usr/bin/chromium', headless: true, args: flags });
context.setDefaultTimeout(300_000);
const page = await context.newPage();
const problems = [];
page.on('pageerror', error => problems.push(error.message));
page.on('console', message => { if (message.type() === 'error' && !/40[134] /.test(message.text())) problems.push(message.text()); });
page.on('dialog', dialog => dialog.accept());
page.on('request', request => { if (new URL(request.url()).origin !== new URL(base).origin) problems.push(`a request to ${request.url()}`); });

async function step(name, work) {
  try { await work(); console.log(`ok ${name}`); } catch (error) { console.log(`FAILED ${name}: ${error.stack}`); await context.close(); process.exit(1); }
}

// The numbers of a chart, as its table shows them.
async function values(title) {
  const figure = page.locator(`figure[data-chart="${title}"]`);
  await figure.locator('path.curve').first().waitFor();
  if (await figure.locator('details').getAttribute('open') === null) await figure.locator('summary').click();
  return figure.locator('tbody td').evaluateAll(cells => cells.map(cell => Number(cell.dataset.value)));
}

async function open(view) { await page.goto(`${base}#/${view}`); }

await step('the token is asked for', async () => {
  assert.equal((await page.goto(base)).status(), 401);
  assert.equal((await page.goto(`${base}?token=wrong`)).status(), 403);
});

await step('the token opens the page, and leaves the address', async () => {
  await page.goto(expected.url);
  await page.locator('tbody tr').first().waitFor();
  assert.equal(await page.locator('tbody tr').count(), 3);
  assert.ok(!page.url().includes('token'));
});

await step('a script in a name is text', async () => {
  const name = `${expected.name} (finished)`;
  assert.ok((await page.locator('tbody a').allTextContents()).includes(name));
  await page.getByRole('link', { name }).click();
  assert.equal(await page.locator('h2').textContent(), name);
  await page.getByText('It is damaged').first().waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator('main script, main img').count(), 0);
});

await step('a chart has the values of the events', async () => {
  assert.deepEqual(await values('Training loss'), expected.losses);
  assert.deepEqual(await values('Score'), expected.scores);
});

await step('a chart is read by keys', async () => {
  const figure = page.locator('figure[data-chart="Training loss"]');
  await figure.locator('svg.chart').focus();
  await page.keyboard.press('End');
  assert.match(await figure.locator('.reading').textContent(), /^epoch 29: /);
  await page.keyboard.press('ArrowLeft');
  assert.match(await figure.locator('.reading').textContent(), /^epoch 28: /);
});

await step('settings, ledger and skipped samples are shown', async () => {
  await page.getByText('seed: 7').waitFor();
  await page.getByText('tile-17.png').waitFor();
  await page.getByText('Worker failures').waitFor();
});

await step('an epoch is seen when it has been written', async () => {
  await open('');
  await page.getByRole('link', { name: 'live', exact: true }).click();
  assert.equal((await values('Training loss')).length, 5);
  console.log('append');
  await page.waitForFunction(count => document.querySelectorAll('figure[data-chart="Training loss"] tbody td').length === count, expected.liveLosses.length);
  assert.deepEqual(await values('Training loss'), expected.liveLosses);
});

await step('runs are laid over each other', async () => {
  await open('');
  for (const box of await page.locator('tbody input').all()) await box.check();
  await page.getByText('Compare the ticked ones').click();
  await page.waitForFunction(() => document.querySelectorAll('figure[data-chart="Training loss"] path.curve').length === 3);
  assert.equal(await page.locator('figure[data-chart="Training loss"] .key li').count(), 3);
});

await step('hosts and GPUs are shown with their history', async () => {
  await open('hosts');
  await page.locator('.gpu').nth(1).waitFor();
  await page.locator('summary', { hasText: 'History' }).click();
  await page.locator('figure[data-chart="GPU utilisation"] path.curve').nth(1).waitFor();
});

await step('fleet and alerts are shown, and what changes there', async () => {
  await open('fleet');
  const row = name => page.locator('[data-fleet] tbody tr', { has: page.getByRole('rowheader', { name, exact: true }) });
  await row('live').getByText('on gpu01, GPU 1', { exact: true }).waitFor();
  assert.ok((await row('tomorrow').textContent()).includes(expected.name));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await row('gpu02').getByText('it does not answer').waitFor();
  await page.getByText('has been past the limit (MemoryAvailableBytes > 1)').first().waitFor();
  assert.match(await page.locator('nav').textContent(), /Fleet and alerts \(1\)/);
  await row('live').getByRole('link').focus();
  console.log('stuck');
  await row('live').getByText('no step for 40 min').waitFor();
  assert.equal(await row('live').locator('.state.stuck').textContent(), 'stuck');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'live' }).waitFor();
});

await step('every view is used without a mouse', async () => {
  await open('');
  await page.locator('tbody tr').first().waitFor();
  await page.evaluate(() => document.activeElement.blur());
  const reached = new Set();
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.textContent.trim().slice(0, 20) || document.activeElement.getAttribute('aria-label') || document.activeElement.tagName));
  }
  for (const name of ['Skip to content', 'Runs', 'Hosts and GPUs', 'Fleet and alerts (1)', 'Loss', 'live']) assert.ok(reached.has(name), `${name} is not reached: ${[...reached].join(', ')}`);
});

await step('a run is stopped', async () => {
  await page.getByRole('link', { name: 'live', exact: true }).click();
  await page.getByRole('button', { name: 'Stop with a checkpoint' }).click();
  await page.getByText('was asked to stop').waitFor();
  await page.locator('.facts .state.interrupted').waitFor();
});

await step('nothing went wrong in the page', () => assert.deepEqual(problems, []));
await context.close();
