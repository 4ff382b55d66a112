// The views: runs, one run, several runs beside each other, hosts, fleets and alerts. All text of files reaches the page as text, never as HTML.
import { Chart, number } from '/chart.js';
import { store, picked, pick, say, get, post } from '/app.js';

const MOST_COMPARED = 12;
const HISTORY_PAUSE = 1000;

export function el(name, properties = {}, ...children) {
  const { data, aria, ...rest } = properties;
  const node = Object.assign(document.createElement(name), rest);
  for (const [key, value] of Object.entries(data ?? {})) node.dataset[key] = value;
  for (const [key, value] of Object.entries(aria ?? {})) node.setAttribute(`aria-${key}`, value);
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

function put(node, text) { if (node.textContent !== text) node.textContent = text; }
const percent = (share, digits = 0) => share === null || share === undefined ? '–' : `${(share * 100).toFixed(digits)} %`;
const two = number => String(number).padStart(2, '0');
const clock = at => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
function time(text) {
  if (!text) return '–';
  const at = new Date(text);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(at)}`;
}
const size = bytes => bytes === null || bytes === undefined ? '–' : bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  const s = Math.round(seconds), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
  return d ? `${d} d ${h % 24} h` : h ? `${h} h ${m % 60} min` : m ? `${m} min ${s % 60} s` : `${s} s`;
}

const stateOf = state => el('span', { className: `state ${state}`, textContent: state });
const nameOf = run => run.name && run.name !== run.path ? `${run.name} (${run.path})` : run.path;

function table(caption, heads, rows) {
  return el('div', { className: 'scroll tall' }, el('table', {}, el('caption', { textContent: caption }),
    el('thead', {}, el('tr', {}, ...heads.map(head => el('th', { scope: 'col', textContent: head.text ?? head, className: head.className ?? '' })))),
    el('tbody', {}, ...rows.map(row => el('tr', {}, ...row.map((cell, i) => el(i === 0 ? 'th' : 'td', { className: heads[i].className ?? '', ...(i === 0 ? { scope: 'row' } : {}) }, cell instanceof Node ? cell : String(cell ?? '–'))))))));
}

function facts(pairs) {
  return el('dl', { className: 'facts' }, ...pairs.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([name, value]) =>
    el('div', {}, el('dt', { textContent: name }), el('dd', {}, value instanceof Node ? value : String(value)))));
}

// ---- the list of runs

const COLUMNS = [
  { name: 'Run', of: run => nameOf(run).toLowerCase() },
  { name: 'State', of: run => run.state },
  { name: 'Progress', of: run => run.progress },
  { name: 'Time left', of: run => run.secondsLeft ?? Infinity, num: true },
  { name: 'Loss', of: run => run.loss ?? Infinity, num: true },
  { name: 'Best', of: run => run.bestScore ?? -Infinity, num: true },
  { name: 'Samples/s', of: run => run.samplesPerSecond ?? 0, num: true },
  { name: 'Wait', of: run => run.dataWaitShare ?? 0, num: true },
  { name: 'Skipped', of: run => run.skipped, num: true },
  { name: 'Worked', of: run => run.durationSeconds, num: true },
  { name: 'Written', of: run => run.updated ?? '' },
];

export class RunsView {
  constructor() {
    this.title = 'Runs';
    this.rows = new Map();
    this.sort = { column: 10, isDown: true };
    this.search = el('input', { type: 'search', placeholder: 'name or folder', oninput: () => this.runs() });
    this.state = el('select', { onchange: () => this.runs() }, ...['all states', 'running', 'finished', 'stopped', 'failed', 'interrupted', 'unreadable'].map(text => el('option', { textContent: text })));
    this.count = el('span', { className: 'dim' });
    this.heads = COLUMNS.map((column, i) => el('th', { scope: 'col', className: column.num ? 'num' : '' }, el('button', { type: 'button', textContent: column.name, onclick: () => this.sortBy(i) })));
    this.body = el('tbody');
    this.node = el('section', {}, el('h2', { textContent: 'Runs' }),
      el('div', { className: 'tools' }, el('label', {}, 'Find ', this.search), el('label', {}, 'State ', this.state), this.count,
        el('a', { href: '#/compare', textContent: 'Compare the ticked ones' })),
      el('div', { className: 'card scroll' }, el('table', {}, el('caption', { textContent: 'All runs below the folder; a heading sorts by its column' }),
        el('thead', {}, el('tr', {}, el('th', { scope: 'col', textContent: '✓', title: 'Compare' }), ...this.heads)), this.body)));
    this.runs();
  }

  sortBy(column) {
    this.sort = { column, isDown: this.sort.column === column ? !this.sort.isDown : false };
    this.runs();
  }

  runs() {
    const { column, isDown } = this.sort, of = COLUMNS[column].of, word = this.search.value.trim().toLowerCase(), state = this.state.value;
    const shown = [...store.runs.values()].filter(run => (state === 'all states' || run.state === state) && (!word || nameOf(run).toLowerCase().includes(word)));
    shown.sort((one, other) => { const [a, b] = [of(one), of(other)]; return (a < b ? -1 : a > b ? 1 : one.path < other.path ? -1 : 1) * (isDown ? -1 : 1); });
    put(this.count, `${shown.length} of ${store.runs.size} runs`);
    this.heads.forEach((head, i) => { if (i === column) head.setAttribute('aria-sort', isDown ? 'descending' : 'ascending'); else head.removeAttribute('aria-sort'); });
    let before = null;
    for (const run of shown) {
      let row = this.rows.get(run.id);
      if (!row) this.rows.set(run.id, row = this.rowOf(run));
      if (row.revision !== run.revision) this.fill(row, run);
      if ((before ? before.nextSibling : this.body.firstChild) !== row.node) this.body.insertBefore(row.node, before ? before.nextSibling : this.body.firstChild);
      before = row.node;
    }
    while (before ? before.nextSibling : this.body.firstChild) (before ? before.nextSibling : this.body.firstChild).remove();
    for (const [id] of this.rows) if (!store.runs.has(id)) this.rows.delete(id);
  }

  rowOf(run) {
    const box = el('input', { type: 'checkbox', checked: picked.has(run.id), onchange: () => pick(run.id, box.checked) });
    const link = el('a', { href: `#/run/${run.id}` });
    const cells = COLUMNS.slice(1).map(column => el('td', { className: column.num ? 'num' : '' }));
    const why = el('div', { className: 'trouble' });
    return { box, link, why, cells, node: el('tr', { data: { run: run.id } }, el('td', {}, box), el('th', { scope: 'row', className: 'wrap' }, link, why), ...cells) };
  }

  fill(row, run) {
    row.revision = run.revision;
    put(row.link, nameOf(run));
    row.box.setAttribute('aria-label', `Compare ${nameOf(run)}`);
    put(row.why, run.error ?? '');
    const [state, progress, left, loss, best, speed, wait, skipped, worked, written] = row.cells;
    state.replaceChildren(stateOf(run.state));
    if (run.epochs) progress.replaceChildren(el('progress', { value: run.progress, max: 1, aria: { label: 'progress' } }), ` ${run.epochsDone}/${run.epochs}${run.phase ? `, ${run.phase}` : ''}`);
    put(left, run.state === 'running' ? duration(run.secondsLeft) : '');
    put(loss, number(run.loss));
    put(best, run.bestScore === undefined ? '–' : `${number(run.bestScore, 4)}`);
    best.title = run.bestMetric ?? '';
    put(speed, number(run.samplesPerSecond, 3));
    put(wait, percent(run.dataWaitShare));
    put(skipped, String(run.skipped));
    put(worked, duration(run.durationSeconds));
    put(written, time(run.updated));
  }
}

// ---- the charts of one run or several

class RunCharts {
  constructor(ids) {
    this.ids = ids;
    this.known = new Map();
    this.score = el('select', { onchange: () => { this.chosen = this.score.value; this.draw(); } });
    const share = (value, digits) => value === null ? '–' : `${number(value * 100, digits ?? 4)} %`;
    this.charts = {
      train_loss: new Chart({ title: 'Training loss', canLog: true }),
      score: new Chart({ title: 'Score' }),
      loss: new Chart({ title: 'Loss of steps', x: 'step', canLog: true }),
      learning_rate: new Chart({ title: 'Learning rate', x: 'step', canLog: true, low: 0 }),
      samples_per_second: new Chart({ title: 'Samples a second', x: 'step', low: 0 }),
      data_wait_share: new Chart({ title: 'Waiting for data', x: 'step', format: share, low: 0 }),
    };
    this.charts.score.node.insertBefore(el('label', { className: 'dim' }, 'Score ', this.score), this.charts.score.svg);
    this.node = el('div', { className: 'grid' }, ...Object.values(this.charts).map(chart => chart.node));
    this.refresh();
  }

  // Reads the histories of runs that have changed: of each at most one a second.
  refresh() {
    for (const id of this.ids) {
      const run = store.runs.get(id), known = this.known.get(id);
      if (!run || known?.revision === run.revision || known?.isReading) continue;
      const pause = Math.max(0, HISTORY_PAUSE - (Date.now() - (known?.read ?? 0)));
      this.known.set(id, { ...known, isReading: true });
      setTimeout(() => this.read(id), pause);
    }
  }

  async read(id) {
    if (this.isClosed) return;
    const revision = store.runs.get(id)?.revision;
    let history = this.known.get(id)?.history, problem = null;
    try { history = await get(`/api/runs/${id}/history`); } catch (refused) { problem = refused.message; }
    if (this.isClosed) return;
    this.known.set(id, { revision, history, problem, read: Date.now() });
    this.draw();
    this.onRead?.(id, history, problem);
    this.refresh();
  }

  draw() {
    const told = this.ids.map((id, index) => ({ index, run: store.runs.get(id), history: this.known.get(id)?.history })).filter(one => one.run && one.history);
    const names = [...new Set(told.flatMap(one => Object.keys(one.history.scores)))];
    const best = told[0]?.run.bestMetric;
    this.chosen = names.includes(this.chosen) ? this.chosen : names.includes(best) ? best : names[0];
    if (this.score.children.length !== names.length) this.score.replaceChildren(...names.map(name => el('option', { textContent: name })));
    this.score.value = this.chosen ?? '';
    const label = (one, curve) => told.length === 1 && this.ids.length === 1 ? curve : nameOf(one.run);
    const curves = (of, curve) => told.filter(of).map(one => ({ name: label(one, curve), index: one.index, dashed: one.index >= 8, ...of(one) }));
    for (const [name, chart] of Object.entries(this.charts)) {
      if (name === 'score') chart.set(curves(one => one.history.scores[this.chosen], this.chosen));
      else if (name === 'train_loss') chart.set(curves(one => one.history.epochs[name], 'training loss'));
      else chart.set(curves(one => one.history.steps[name] ?? one.history.epochs[name], name.replaceAll('_', ' ')));
    }
  }

  close() { this.isClosed = true; }
}

// ---- one run

export class RunView {
  constructor(id) {
    this.id = id;
    this.run = store.runs.get(id);
    this.title = this.run ? nameOf(this.run) : 'Run';
    this.node = el('section');
    if (!this.run) { this.node.append(el('h2', { textContent: 'Run' }), el('p', { textContent: 'There is no such run; it may have been removed.' }), el('p', {}, el('a', { href: '#/', textContent: 'All runs' }))); return; }
    this.facts = el('div', { className: 'card' });
    this.stop = el('button', { type: 'button', className: 'act', textContent: 'Stop with a checkpoint', onclick: () => this.control('stop', 'Stop this run? It ends with a checkpoint and can be resumed.') });
    this.resume = el('button', { type: 'button', className: 'act', textContent: 'Resume', onclick: () => this.control('resume', 'Go on with this run from its last checkpoint?') });
    this.compare = el('button', { type: 'button', className: 'act', textContent: 'Compare with the ticked runs', onclick: () => { pick(id, true); location.hash = '#/compare'; } });
    this.tools = el('div', { className: 'tools' }, this.stop, this.resume, this.compare);
    this.problem = el('p', { className: 'trouble' });
    this.charts = new RunCharts([id]);
    this.charts.onRead = (_, history, problem) => this.showHistory(history, problem);
    const section = (title, ...children) => el('section', { className: 'card' }, el('h3', { textContent: title }), ...children);
    this.events = el('div');
    this.onlyTrouble = el('input', { type: 'checkbox', onchange: () => this.showEvents() });
    this.samples = el('div');
    this.ledger = el('div');
    this.settings = el('pre', { tabIndex: 0 });
    this.attempts = el('div');
    this.scores = el('div');
    this.pictures = el('div');
    this.epoch = el('select', { onchange: () => this.showPictures() });
    this.pictureSection = section('Validation pictures', el('div', { className: 'tools' }, el('label', {}, 'Epoch ', this.epoch)), this.pictures);
    this.pictureSection.hidden = true;
    this.node.append(el('h2', { textContent: nameOf(this.run) }), this.tools, this.facts, this.problem, this.charts.node, el('p'),
      this.pictureSection,
      section('Events', el('label', { className: 'dim' }, this.onlyTrouble, ' only what went wrong'), this.events),
      el('div', { className: 'grid' }, section('Skipped and failed samples', this.samples), section('Ledger', this.ledger)), el('p'),
      el('div', { className: 'grid' }, section('Settings', this.settings), el('div', {}, section('Test', this.scores), el('p'), section('Processes', this.attempts))));
    this.runs();
  }

  runs() {
    const run = store.runs.get(this.id);
    if (!this.charts || !run) return;
    this.run = run;
    this.charts.refresh();
    this.stop.hidden = !store.control || !run.canStop;
    this.resume.hidden = !store.control || !run.canResume;
    if (this.shown === run.revision) return;
    this.shown = run.revision;
    this.facts.replaceChildren(facts([
      ['State', stateOf(run.state)], ['Epochs', `${run.epochsDone} of ${run.epochs}${run.phase ? `, ${run.phase}` : ''}`],
      ['Progress', el('span', {}, el('progress', { value: run.progress, max: 1, aria: { label: 'progress' } }), ` ${percent(run.progress)}`)],
      ['Time left', run.state === 'running' ? duration(run.secondsLeft) : null], ['Loss', number(run.loss)], ['Learning rate', number(run.learningRate)],
      [`Best ${run.bestMetric ?? 'score'}`, run.bestScore === undefined ? null : `${number(run.bestScore)} in epoch ${run.bestEpoch}`],
      ['Samples a second', number(run.samplesPerSecond, 3)], ['Waiting for data', percent(run.dataWaitShare, 1)],
      ['Worked', duration(run.durationSeconds)], ['Began', time(run.started)], ['Written', time(run.updated)], ['Task', run.task], ['Host', run.host], ['Process', run.processId], ['Processes so far', run.attempts],
    ]));
    put(this.problem, run.error ?? '');
    const key = `${run.state} ${run.epochsDone} ${run.attempts}`;
    if (key !== this.detailed) { this.detailed = key; this.readDetails(); }
  }

  async readDetails() {
    try {
      const view = await get(`/api/runs/${this.id}`);
      this.settings.textContent = view.settings ?? view.settingsProblem ?? 'The run has no config.yaml.';
      const record = view.record;
      this.scores.replaceChildren(record?.testScores ? table('Scores of the best checkpoint on the test split', ['Score', { text: 'Value', className: 'num' }], Object.entries(record.testScores).map(([name, score]) => [name, number(score, 6)])) : el('p', { className: 'dim', textContent: 'The test comes after the last epoch.' }));
      this.attempts.replaceChildren(...record ? [
        facts([['Run id', record.id], ['Commit', record.gitCommit], ['RobustTrain', record.versions?.robusttrain], ['libtorch', record.versions?.libtorch], ['.NET', record.versions?.dotnet], ['System', record.versions?.os], ['Started in', record.workingDirectory]]), el('p'),
        table('Every process that worked on the run', ['Began', 'State', 'Worked', 'Process', { text: 'Error', className: 'wrap' }], record.attempts.map(one => [time(one.started), stateOf(one.state), duration(one.durationSeconds), `${one.processId} on ${one.host}`, one.error ?? '']))] : []);
      this.totals = record?.ledgerTotals;
      this.showEpochs(view.pictureEpochs);
      this.showLedger();
    } catch (refused) { put(this.problem, refused.message); }
  }

  showHistory(history, problem) {
    if (problem) put(this.problem, problem);
    if (!history) return;
    this.history = history;
    const key = `${history.events.length} ${history.events[0]?.time} ${history.events[0]?.message} ${history.sampleCount}`;
    if (key === this.told) return;
    this.told = key;
    this.showEvents();
    this.showLedger();
    this.samples.replaceChildren(history.samples.length === 0 ? el('p', { className: 'dim', textContent: 'None.' })
      : table(`${history.samples.length < history.sampleCount ? `The newest ${history.samples.length} of ${history.sampleCount}` : history.sampleCount} of samples`, ['Sample', 'What', 'Split', { text: 'Epoch', className: 'num' }, { text: 'Why', className: 'wrap' }],
        history.samples.map(one => [one.sample ?? one.index, one.kind.replace('sample_', ''), one.split, one.epoch, one.reason])));
  }

  showEvents() {
    const events = (this.history?.events ?? []).filter(event => event.trouble || !this.onlyTrouble.checked);
    this.events.replaceChildren(table(`${events.length} events, newest first; steps are left out`, ['Time', 'Kind', { text: 'What happened', className: 'wrap' }],
      events.map(event => [time(event.time), event.trouble ? el('span', { className: 'trouble', textContent: event.kind }) : event.kind, event.message])));
  }

  showLedger() {
    const rows = (this.history?.ledger ?? []).filter(one => one.loader);
    this.ledger.replaceChildren(
      ...this.totals ? [facts([['Delivered', this.totals.delivered], ['Retried', this.totals.retried], ['Skipped', this.totals.skipped], ['Quarantined', this.totals.quarantined], ['Worker failures', this.totals.workerFailures]]), el('p')] : [],
      table('Training samples by epoch, newest first', ['Epoch', ...['Delivered', 'Retried', 'Skipped', 'Failures', 'Workers'].map(text => ({ text, className: 'num' })), 'Digest'],
        rows.map(({ epoch, loader }) => [epoch, loader.delivered, loader.retried, loader.skipped, loader.workerFailures, `${loader.workers} ${loader.workerKind}`, (loader.digest ?? '').slice(0, 12)])));
  }

  showEpochs(epochs) {
    this.pictureSection.hidden = epochs.length === 0;
    if (epochs.length === 0 || this.epoch.children.length === epochs.length) return;
    const wasLast = this.epoch.selectedIndex < 0 || this.epoch.selectedIndex === this.epoch.children.length - 1, chosen = this.epoch.value;
    this.epoch.replaceChildren(...epochs.map(epoch => el('option', { textContent: epoch })));
    this.epoch.value = wasLast ? epochs.at(-1) : chosen;
    this.showPictures();
  }

  async showPictures() {
    const epoch = this.epoch.value;
    try {
      const index = await get(`/api/runs/${this.id}/pictures/${epoch}`);
      this.pictures.replaceChildren(...index.samples.map((sample, place) => el('div', { className: 'sample' },
        el('h4', { textContent: `${sample.name ?? place}${sample.scores ? ` – ${Object.entries(sample.scores).slice(0, 4).map(([name, score]) => `${name} ${number(score, 3)}`).join(', ')}` : ''}` }),
        ...Object.keys(sample.pictures).map(kind => el('figure', {}, el('img', { alt: `${kind} of ${sample.name ?? place}, epoch ${epoch}`, loading: 'lazy', src: `/api/runs/${this.id}/pictures/${epoch}/${place}/${encodeURIComponent(kind)}` }), el('figcaption', { className: 'dim', textContent: kind }))))));
    } catch (refused) { this.pictures.replaceChildren(el('p', { className: 'trouble', textContent: refused.message })); }
  }

  async control(what, question) {
    if (!confirm(question)) return;
    try { say(await post(`/api/runs/${this.id}/${what}`)); } catch (refused) { say(refused.message); }
  }

  close() { this.charts?.close(); }
}

// ---- several runs

export class CompareView {
  constructor(query) {
    this.title = 'Compare';
    const asked = query.get('runs')?.split(',').filter(id => id) ?? [...picked];
    const ids = asked.filter(id => store.runs.has(id)).slice(0, MOST_COMPARED);
    this.node = el('section', {}, el('h2', { textContent: 'Compare' }));
    if (ids.length === 0) { this.node.append(el('p', {}, 'Tick runs in the ', el('a', { href: '#/', textContent: 'list' }), ' to lay their curves over each other.')); return; }
    if (ids.length < asked.length) this.node.append(el('p', { className: 'dim', textContent: `${ids.length} of ${asked.length} runs: at most ${MOST_COMPARED} are shown at once.` }));
    this.charts = new RunCharts(ids);
    this.list = el('ul', {}, ...ids.map(id => el('li', {}, el('a', { href: `#/run/${id}`, textContent: nameOf(store.runs.get(id)) }), ' ',
      el('button', { type: 'button', className: 'act', textContent: 'Leave out', aria: { label: `Leave out ${nameOf(store.runs.get(id))}` }, onclick: () => { pick(id, false); location.hash = `#/compare?runs=${ids.filter(one => one !== id).join(',')}`; } }))));
    this.node.append(this.charts.node, el('p'), el('section', { className: 'card' }, el('h3', { textContent: 'The runs' }), this.list));
  }

  runs() { this.charts?.refresh(); }
  close() { this.charts?.close(); }
}

// ---- hosts and GPUs

const HOST_CHARTS = [
  { title: 'CPU', unit: '%', of: history => [['CPU', history.cpu.cpu_percent]], low: 0, high: 100 },
  { title: 'Memory', unit: 'GiB', of: history => [['memory', history.cpu.memory_bytes.map(toGib)]], low: 0 },
  { title: 'GPU utilisation', unit: '%', of: history => gpuCurves(history, 'utilization_percent'), low: 0, high: 100 },
  { title: 'GPU memory', unit: 'GiB', of: history => gpuCurves(history, 'memory_bytes', toGib), low: 0 },
  { title: 'GPU temperature', unit: '°C', of: history => gpuCurves(history, 'temperature_celsius') },
  { title: 'GPU power', unit: 'W', of: history => gpuCurves(history, 'power_watts'), low: 0 },
];
function toGib(bytes) { return bytes === null ? null : bytes / 2 ** 30; }
function gpuCurves(history, figure, change = value => value) { return history.gpus.slice(0, 16).map(gpu => [`GPU ${gpu.index}`, gpu.figures[figure].map(change)]); }

export class HostsView {
  constructor() {
    this.title = 'Hosts and GPUs';
    this.cards = new Map();
    this.list = el('div');
    this.node = el('section', {}, el('h2', { textContent: 'Hosts and GPUs' }), this.list);
    this.timer = setInterval(() => { for (const card of this.cards.values()) if (card.details.open) this.readHistory(card); }, 3000);
    this.hosts();
  }

  hosts() {
    for (const host of store.hosts) {
      let card = this.cards.get(host.index);
      if (!card) { this.cards.set(host.index, card = this.cardOf(host)); this.list.append(card.node); }
      this.fill(card, host);
    }
  }

  cardOf(host) {
    const card = { index: host.index, gpus: new Map(), state: el('span', { className: 'dim' }), facts: el('div'), grid: el('div', { className: 'gpus' }), none: el('p', { className: 'dim' }) };
    card.span = el('select', { onchange: () => this.readHistory(card) }, el('option', { value: 'recent', textContent: 'the last 15 minutes' }), el('option', { value: 'day', textContent: 'the last day' }));
    card.problem = el('p', { className: 'trouble' });
    card.charts = HOST_CHARTS.map(options => new Chart({ ...options, x: 'time', place: seconds => clock(new Date(seconds * 1000)) }));
    card.details = el('details', { ontoggle: () => { if (card.details.open) this.readHistory(card); } }, el('summary', { textContent: 'History' }),
      el('div', { className: 'tools' }, el('label', {}, 'Show ', card.span)), card.problem, el('div', { className: 'grid' }, ...card.charts.map(chart => chart.node)));
    card.node = el('section', { className: 'card', data: { host: host.name } }, el('h3', {}, host.name, ' ', card.state), card.facts, card.grid, card.none, card.details);
    return card;
  }

  fill(card, host) {
    card.node.classList.toggle('stale', !host.isConnected);
    card.state.className = host.isConnected ? 'dim' : 'trouble';
    put(card.state, host.isConnected ? '' : host.error ?? 'not read yet');
    card.facts.replaceChildren(facts([
      ['CPU', host.cpuPercent === undefined ? null : `${number(host.cpuPercent, 3)} % of ${host.cores} cores`], ['Load', number(host.load, 3)],
      ['Memory', `${size(host.memoryUsedBytes)} of ${size(host.memoryTotalBytes)}`], ['GPUs', String(host.gpus.length)]]));
    put(card.none, host.gpus.length === 0 ? host.noGpu ?? '' : '');
    for (const gpu of host.gpus) {
      let cell = card.gpus.get(gpu.index);
      if (!cell) { card.gpus.set(gpu.index, cell = this.cellOf(gpu)); card.grid.append(cell.node); }
      this.fillGpu(cell, gpu);
    }
    for (const [index, cell] of card.gpus) if (!host.gpus.some(gpu => gpu.index === index)) { cell.node.remove(); card.gpus.delete(index); }
  }

  cellOf(gpu) {
    const meter = label => el('meter', { min: 0, max: 1, aria: { label } });
    const cell = { load: meter('utilisation'), loadText: el('span'), memory: meter('memory'), memoryText: el('span'), more: el('p', { className: 'dim' }), users: el('ul', { className: 'key' }), title: el('h4') };
    cell.node = el('article', { className: 'gpu', data: { gpu: gpu.index } }, cell.title, el('div', { className: 'row' }, cell.loadText, cell.load), el('div', { className: 'row' }, cell.memoryText, cell.memory), cell.more, cell.users);
    return cell;
  }

  fillGpu(cell, gpu) {
    cell.node.classList.toggle('stale', !gpu.isConnected);
    put(cell.title, `GPU ${gpu.index} ${gpu.name ?? ''}`);
    cell.load.value = (gpu.utilizationPercent ?? 0) / 100;
    put(cell.loadText, `${number(gpu.utilizationPercent, 3)} %`);
    cell.memory.value = gpu.memoryTotalBytes ? (gpu.memoryUsedBytes ?? 0) / gpu.memoryTotalBytes : 0;
    put(cell.memoryText, `${size(gpu.memoryUsedBytes)}`);
    put(cell.more, gpu.isConnected ? `of ${size(gpu.memoryTotalBytes)}, ${number(gpu.temperatureCelsius, 3)} °C, ${number(gpu.powerWatts, 3)}${gpu.powerLimitWatts ? ` of ${number(gpu.powerLimitWatts, 4)}` : ''} W` : gpu.error ?? 'not connected');
    const users = JSON.stringify(gpu.users ?? null);
    if (users === cell.told) return;
    cell.told = users;
    cell.users.replaceChildren(...(gpu.users ?? []).map(user => el('li', { title: user.command ?? '' },
      user.run && store.runs.has(user.run) ? el('a', { href: `#/run/${user.run}`, textContent: nameOf(store.runs.get(user.run)) }) : `${user.user ?? '?'}: ${(user.command ?? `process ${user.processId}`).slice(0, 40)}`, ` ${size(user.memoryUsedBytes)}`)));
  }

  async readHistory(card) {
    try {
      const history = await get(`/api/hosts/${card.index}/history?span=${card.span.value}`);
      const end = history.end ? Date.parse(history.end) / 1000 : 0;
      card.charts.forEach((chart, i) => chart.set(HOST_CHARTS[i].of(history).map(([name, values], index) => ({ name, index, dashed: index >= 8, y: values, x: values.map((_, at) => end - (values.length - 1 - at) * history.secondsEach) }))));
      put(card.problem, '');
    } catch (refused) { put(card.problem, refused.message); }
  }

  close() { clearInterval(this.timer); }
}

// ---- fleets and alerts

export class FleetView {
  constructor() {
    this.title = 'Fleet and alerts';
    this.fleets = el('div');
    this.alerts = el('section', { className: 'card' });
    this.node = el('section', {}, el('h2', { textContent: this.title }), this.alerts, this.fleets);
    this.fleet();
  }

  fleet() {
    // What is shown anew keeps the link that has the keyboard.
    const held = this.node.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    this.alerts.replaceChildren(...this.alertsOf(store.alerts));
    this.fleets.replaceChildren(...store.fleets.length ? store.fleets.map(fleet => this.cardOf(fleet)) : [el('p', { className: 'dim', textContent: 'No fleet stands in these folders; Start-TrainingFleet begins one.' })]);
    if (held) this.node.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus();
  }

  // Runs appear after their fleet, whose rows then become links.
  runs() { this.fleet(); }

  alertsOf({ rules, raised, log }) {
    const rows = alerts => alerts.map(alert => [time(alert.time), el('span', { className: `state ${alert.isRaised ? 'failed' : 'finished'}`, textContent: alert.isRaised ? 'raised' : 'cleared' }), alert.host, alert.gpu, alert.rule, alert.message]);
    const heads = ['Time', 'What', 'Host', { text: 'GPU', className: 'num' }, 'Limit', { text: 'What happened', className: 'wrap' }];
    if (rules.length === 0) return [el('h3', { textContent: 'Alerts' }), el('p', { className: 'dim', textContent: 'No limit is watched; start the page with -Alert \'TemperatureCelsius > 85 for 30s\' (--alert).' })];
    return [el('h3', { textContent: 'Alerts' }), el('p', { className: 'dim', textContent: `Watched: ${rules.join('; ')}` }),
      raised.length ? table('Past the limit now', heads, rows(raised)) : el('p', { textContent: 'Nothing is past its limit now.' }),
      ...log.length ? [el('details', { open: this.isOpen ?? false, ontoggle: event => { this.isOpen = event.target.open; } }, el('summary', { textContent: `The newest ${log.length} alerts` }), table('Raised and cleared, newest first', heads, rows(log)))] : []];
  }

  cardOf(fleet) {
    const when = fleet.time ? `as of ${time(fleet.time)}${fleet.isAtWork ? '' : '; no process has told of it since'}` : 'its process has not told of it yet';
    return el('section', { className: `card${fleet.isAtWork ? '' : ' stale'}`, data: { fleet: fleet.path } }, el('h3', {}, `Fleet ${fleet.path} `, el('span', { className: 'dim', textContent: when })),
      el('p', { className: 'trouble', textContent: fleet.problem ?? '' }),
      table(this.sumOf(fleet.members), ['Run', 'State', { text: 'Epochs', className: 'num' }, 'Where', { text: 'Failures', className: 'num' }, { text: 'Why', className: 'wrap' }],
        fleet.members.map(one => [one.run && store.runs.has(one.run) ? el('a', { href: `#/run/${one.run}`, textContent: one.name }) : one.name, stateOf(one.state), `${one.epochsDone}/${one.epochs ?? '?'}`,
          one.host ? `${one.host}${one.gpu === undefined ? '' : `, GPU ${one.gpu}`}` : '', one.failures, one.reason])),
      el('p'),
      table('Its hosts', ['Host', 'State', { text: 'Runs', className: 'num' }, { text: 'Why', className: 'wrap' }],
        fleet.hosts.map(host => [host.name, el('span', { className: `state ${host.isUsable ? 'finished' : 'failed'}`, textContent: host.isUsable ? 'usable' : 'not usable' }), host.runs, host.reason])));
  }

  sumOf(members) {
    const counts = Object.entries(Object.groupBy(members, one => one.state)).map(([state, those]) => `${those.length} ${state}`);
    return members.length ? `Its runs: ${counts.join(', ')}` : 'It has no run';
  }
}
