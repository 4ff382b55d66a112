// Line charts as SVG: axes with round numbers, several curves, a cursor for mouse and keyboard, and the same numbers as a table.
const NS = 'http://www.w3.org/2000/svg';
const WIDTH = 640, HEIGHT = 230, LEFT = 56, RIGHT = 10, TOP = 10, BOTTOM = 30;
const TABLE_ROWS = 400;

function svg(name, attributes = {}, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function html(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

export function number(value, digits = 5) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4)) return value.toExponential(Math.min(digits - 1, 3));
  return String(Number(value.toPrecision(digits)));
}

// Some five round numbers between two values.
function ticks(low, high, wanted = 5) {
  const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(one => one * power).find(one => one >= rough * 0.999);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
}

// Whole powers of ten, or where they are too few, also their doubles and fives.
function logTicks(low, high) {
  const found = [];
  const factors = Math.log10(high / low) < 2.5 ? [1, 2, 5] : [1];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const factor of factors)
      if (factor * 10 ** power >= low * 0.999 && factor * 10 ** power <= high * 1.001) found.push(factor * 10 ** power);
  return found.length > 1 ? found : [low, high];
}

// The place in a rising list whose value is nearest.
function nearest(list, value) {
  let low = 0, high = list.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle; else high = middle;
  }
  return Math.abs(list[low] - value) <= Math.abs(list[high] - value) ? low : high;
}

export class Chart {
  // options: title, x (what the places are), unit, format (of values), place (of places), isLog, low, high
  constructor(options) {
    this.options = { x: 'epoch', format: number, place: value => number(value), ...options };
    this.curves = [];
    this.at = null;
    this.svg = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'chart', tabindex: '0', role: 'img' });
    this.reading = html('p', { className: 'reading' });
    this.reading.setAttribute('role', 'status');
    this.key = html('ul', { className: 'key' });
    this.log = html('input', { type: 'checkbox', checked: !!options.isLog });
    this.log.addEventListener('change', () => this.draw());
    this.table = html('table');
    this.details = html('details', {}, html('summary', { textContent: 'As a table' }), html('div', { className: 'scroll tall' }, this.table));
    this.details.addEventListener('toggle', () => this.fillTable());
    const heading = html('h3', { textContent: options.title + (options.unit ? ` (${options.unit})` : '') });
    this.node = html('figure', { className: 'card' }, heading, this.svg, this.reading, this.key,
      ...(options.canLog ? [html('label', { className: 'dim' }, this.log, ' logarithmic')] : []), this.details);
    this.node.dataset.chart = options.title;
    this.svg.addEventListener('pointermove', event => this.pointAt(event));
    this.svg.addEventListener('pointerleave', () => this.moveTo(null));
    this.svg.addEventListener('keydown', event => this.press(event));
    this.svg.addEventListener('blur', () => this.moveTo(null));
  }

  // curves: { name, x, y, index, dashed, exact }
  set(curves) {
    this.curves = curves.filter(curve => curve.x.length > 0);
    this.places = [...new Set(this.curves.flatMap(curve => Array.from(curve.x)))].sort((one, other) => one - other);
    this.draw();
    if (this.details.open) this.fillTable();
  }

  draw() {
    const values = this.curves.flatMap(curve => curve.y.filter(value => value !== null && Number.isFinite(value) && (!this.log.checked || value > 0)));
    this.svg.replaceChildren();
    this.key.replaceChildren(...this.curves.length > 1 || this.curves[0]?.dashed ? this.curves.map(curve => this.keyOf(curve)) : []);
    if (values.length === 0) {
      this.scale = null;
      this.svg.setAttribute('aria-label', `${this.options.title}: no values yet`);
      this.svg.append(svg('text', { x: WIDTH / 2, y: HEIGHT / 2, 'text-anchor': 'middle' }, 'no values yet'));
      return;
    }
    const isLog = this.log.checked;
    let low = Infinity, high = -Infinity;
    for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
    low = isLog ? low : Math.min(low, this.options.low ?? low);
    high = Math.max(high, this.options.high ?? high);
    if (low === high) [low, high] = isLog ? [low / 2, high * 2] : [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)];
    let [first, last] = [this.places[0], this.places.at(-1)];
    if (first === last) [first, last] = [first - 0.5, last + 0.5];
    const toX = x => LEFT + (x - first) / (last - first) * (WIDTH - LEFT - RIGHT);
    const share = isLog ? y => Math.log(y / low) / Math.log(high / low) : y => (y - low) / (high - low);
    const toY = y => HEIGHT - BOTTOM - share(y) * (HEIGHT - TOP - BOTTOM);
    this.scale = { toX, toY, first, last, isLog };
    for (const y of isLog ? logTicks(low, high) : ticks(low, high)) {
      this.svg.append(svg('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: toY(y), y2: toY(y), class: 'axis' }));
      this.svg.append(svg('text', { x: LEFT - 6, y: toY(y) + 4, 'text-anchor': 'end' }, this.options.format(y, 3)));
    }
    for (const x of ticks(first, last, 6).filter(x => this.options.x !== 'epoch' && this.options.x !== 'step' || Number.isInteger(x)))
      this.svg.append(svg('text', { x: toX(x), y: HEIGHT - BOTTOM + 15, 'text-anchor': 'middle' }, this.options.place(x)));
    this.svg.append(svg('text', { x: WIDTH - RIGHT, y: HEIGHT - 3, 'text-anchor': 'end' }, this.options.x));
    for (const curve of this.curves) this.svg.append(this.pathOf(curve, toX, toY, isLog));
    this.svg.setAttribute('aria-label', `${this.options.title}: ${this.curves.map(curve => this.summaryOf(curve)).join('; ')}. Arrow keys read single values.`);
    this.cursor = svg('line', { y1: TOP, y2: HEIGHT - BOTTOM, class: 'cursor', visibility: 'hidden' });
    this.svg.append(this.cursor);
    this.moveTo(this.at);
  }

  pathOf(curve, toX, toY, isLog) {
    let path = '', isDown = false;
    curve.x.forEach((x, i) => {
      const y = curve.y[i];
      if (y === null || !Number.isFinite(y) || isLog && y <= 0) { isDown = false; return; }
      path += `${isDown ? 'L' : 'M'}${toX(x).toFixed(1)} ${toY(y).toFixed(1)}`;
      isDown = true;
    });
    // A single point has no line: a dot of no length with round ends shows.
    const node = svg('path', { d: path.includes('L') ? path : `${path}h.1`, class: `curve c${curve.index % 8}${curve.dashed ? ' dashed' : ''}` });
    if (!path.includes('L')) { node.setAttribute('stroke-linecap', 'round'); node.setAttribute('stroke-width', '5'); }
    return node;
  }

  keyOf(curve) {
    const mark = svg('svg', { viewBox: '0 0 20 8', 'aria-hidden': 'true' });
    mark.append(svg('line', { x1: 0, x2: 20, y1: 4, y2: 4, 'stroke-width': 2.5, class: `c${curve.index % 8}${curve.dashed ? ' dashed' : ''}` }));
    return html('li', {}, mark, curve.name);
  }

  summaryOf(curve) {
    const last = curve.y.findLast(value => value !== null);
    return `${curve.name}, ${curve.x.length} points, last ${this.options.format(last ?? null)}`;
  }

  pointAt(event) {
    if (!this.scale) return;
    const box = this.svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * WIDTH;
    const value = this.scale.first + (x - LEFT) / (WIDTH - LEFT - RIGHT) * (this.scale.last - this.scale.first);
    this.moveTo(nearest(this.places, value));
  }

  press(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity }[event.key];
    if (move === undefined || !this.scale) return;
    event.preventDefault();
    this.moveTo(Math.max(0, Math.min(this.places.length - 1, this.at === null ? (move === Infinity || move < 0 && move !== -Infinity ? this.places.length - 1 : 0) : this.at + move)));
  }

  moveTo(at) {
    this.at = at === null || !this.scale || at >= this.places.length ? null : at;
    if (this.cursor) this.cursor.setAttribute('visibility', this.at === null ? 'hidden' : 'visible');
    if (this.at === null) { this.reading.textContent = ''; return; }
    const place = this.places[this.at];
    this.cursor.setAttribute('x1', this.scale.toX(place));
    this.cursor.setAttribute('x2', this.scale.toX(place));
    const told = this.curves.map(curve => `${curve.name} ${this.options.format(curve.y[nearest(curve.x, place)])}`);
    this.reading.textContent = `${this.options.x} ${this.options.place(place)}: ${told.slice(0, 12).join(', ')}`;
  }

  fillTable() {
    if (!this.details.open) return;
    const shown = this.places?.slice(-TABLE_ROWS) ?? [];
    const maps = this.curves.map(curve => new Map(curve.x.map((x, i) => [x, curve.y[i]])));
    const head = html('tr', {}, html('th', { scope: 'col', textContent: this.options.x }), ...this.curves.map(curve => html('th', { scope: 'col', className: 'num', textContent: curve.name })));
    const rows = shown.map(place => html('tr', {}, html('th', { scope: 'row', textContent: this.options.place(place) }),
      ...maps.map(map => { const cell = html('td', { className: 'num', textContent: map.has(place) ? this.options.format(map.get(place), 8) : '' }); cell.dataset.value = map.get(place) ?? ''; return cell; })));
    const isMean = this.curves.some(curve => curve.exact === false);
    const caption = html('caption', { textContent: `${this.options.title}${shown.length < (this.places?.length ?? 0) ? `, the last ${shown.length} of ${this.places.length}` : ''}${isMean ? '; each value the mean of several steps' : ''}` });
    this.table.replaceChildren(caption, html('thead', {}, head), html('tbody', {}, ...rows));
  }
}
