// What the page knows, how it is told of changes, and which view is shown.
import { RunsView, RunView, CompareView, HostsView, FleetView } from '/views.js';

export const store = { folder: '', machine: '', control: null, runs: new Map(), hosts: [], fleets: [], alerts: { rules: [], raised: [], log: [] }, problem: null };
const main = document.getElementById('main');
const connection = document.getElementById('connection');
let view = null, shown = '';

// The address with the token belongs to nobody's history.
if (location.search) history.replaceState(null, '', location.pathname + location.hash);

export const picked = new Set(JSON.parse(sessionStorage.getItem('picked') ?? '[]'));
export function pick(id, isPicked) {
  if (isPicked) picked.add(id); else picked.delete(id);
  sessionStorage.setItem('picked', JSON.stringify([...picked]));
  showPicked();
}
function showPicked() { document.getElementById('picked').textContent = picked.size ? `(${picked.size})` : ''; }

export function say(sentence) {
  const said = document.getElementById('said');
  said.textContent = sentence;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { said.textContent = ''; }, 8000);
}

export async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error((await answer.text()).trim() || `The server answered ${answer.status}.`);
  return answer.json();
}

export async function post(path) {
  const answer = await fetch(path, { method: 'POST', headers: { 'X-RobustTrain-Write': store.control ?? '' } });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return (await answer.json()).message;
}

function showProblem() {
  const problem = document.getElementById('problem');
  problem.textContent = store.problem ?? '';
  problem.hidden = !store.problem;
}

function takeAlerts(alerts) {
  const newest = alerts.log[0], before = store.alerts.log[0];
  if (newest && (newest.time !== before?.time || newest.message !== before?.message)) say(newest.message);
  store.alerts = alerts;
  document.getElementById('raised').textContent = alerts.raised.length ? `(${alerts.raised.length})` : '';
}

function route() {
  const [path, query] = location.hash.replace(/^#/, '').split('?');
  const parts = path.split('/').filter(part => part);
  const name = parts[0] ?? 'runs';
  const key = location.hash;
  if (key === shown && view) return;
  view?.close?.();
  shown = key;
  view = name === 'run' ? new RunView(parts[1] ?? '') : name === 'compare' ? new CompareView(new URLSearchParams(query)) : name === 'hosts' ? new HostsView() : name === 'fleet' ? new FleetView() : new RunsView();
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.view === (name === 'run' ? 'runs' : name)) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
  }
  document.title = `${view.title} – RobustTrain`;
  main.replaceChildren(view.node);
  if (document.activeElement === document.body || document.activeElement?.closest('main, nav')) main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function connect() {
  const live = new EventSource('/api/live');
  live.addEventListener('state', message => {
    const state = JSON.parse(message.data);
    Object.assign(store, { folder: state.folder, machine: state.machine, control: state.control ?? null, hosts: state.hosts, fleets: state.fleets, problem: state.problem ?? null });
    takeAlerts(state.alerts);
    store.runs = new Map(state.runs.map(run => [run.id, run]));
    connection.textContent = `live · ${state.folder}`;
    connection.className = '';
    showProblem();
    if (view) { view.runs?.(); view.hosts?.(); view.fleet?.(); } else route();
  });
  live.addEventListener('runs', message => {
    const change = JSON.parse(message.data);
    for (const run of change.runs) store.runs.set(run.id, run);
    for (const id of change.gone) store.runs.delete(id);
    store.problem = change.problem ?? null;
    showProblem();
    view?.runs?.();
  });
  live.addEventListener('hosts', message => { store.hosts = JSON.parse(message.data); view?.hosts?.(); });
  live.addEventListener('fleets', message => { store.fleets = JSON.parse(message.data); view?.fleet?.(); });
  live.addEventListener('alerts', message => { takeAlerts(JSON.parse(message.data)); view?.fleet?.(); });
  live.addEventListener('error', () => {
    connection.className = 'lost';
    connection.textContent = live.readyState === EventSource.CLOSED ? 'ended: the server has ended, or was started anew with another address' : 'connection lost, trying again';
    // A browser gives up where the answer is no stream: a server that was started anew asks for its own token.
    if (live.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  });
}

window.addEventListener('hashchange', route);
showPicked();
connect();
