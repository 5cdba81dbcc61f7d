// Sparklines: the last minutes of one figure, as SVG.

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 200;
const HEIGHT = 40;
const MAX_POINTS = 200;

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** The end of the axis: a round number, so that it does not change with each point. */
function axisEnd(values) {
  const highest = Math.max(...values, 0);
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((step) => step * power).find((end) => end >= highest) ?? highest;
}

/** Runs of numbers between points without one. */
function runs(values) {
  const found = [];
  let run;
  values.forEach((value, index) => {
    if (value === null) {
      run = undefined;
      return;
    }
    if (!run) {
      run = [];
      found.push(run);
    }
    run.push([index, value]);
  });
  return found;
}

export class Chart {
  #values = [];
  #svg = element('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' });
  #area = element('path', { class: 'area' });
  #line = element('path', { class: 'line' });
  #scale = document.createElement('p');
  #name;
  #format;

  /** `format` writes a number with its unit. */
  constructor(parent, name, format) {
    this.#name = name;
    this.#format = format;
    this.#svg.append(this.#area, this.#line);
    this.#scale.className = 'scale';
    this.#scale.setAttribute('aria-hidden', 'true');
    parent.append(this.#svg, this.#scale);
    this.#draw();
  }

  reset(values) {
    this.#values = values.slice(-MAX_POINTS);
    this.#draw();
  }

  add(value) {
    this.#values.push(value);
    if (this.#values.length > MAX_POINTS) this.#values.shift();
    this.#draw();
  }

  #draw() {
    const known = this.#values.filter((value) => value !== null);
    const end = axisEnd(known);
    const first = MAX_POINTS - this.#values.length;
    const x = (index) => (((first + index) / (MAX_POINTS - 1)) * WIDTH).toFixed(1);
    const y = (value) => (HEIGHT - 1 - (value / end) * (HEIGHT - 2)).toFixed(1);
    const lines = runs(this.#values).map((run) => {
      const points = run.map(([index, value]) => `${x(index)} ${y(value)}`);
      // A single point would not be visible.
      if (points.length === 1) points.push(`${x(run[0][0] + 0.6)} ${y(run[0][1])}`);
      return { points, from: x(run[0][0]), to: x(run.at(-1)[0]) };
    });
    this.#line.setAttribute('d', lines.map(({ points }) => `M${points.join('L')}`).join(''));
    const areas = lines.map(
      ({ points, from, to }) => `M${from} ${HEIGHT}L${points.join('L')}L${to} ${HEIGHT}Z`,
    );
    this.#area.setAttribute('d', areas.join(''));
    this.#scale.textContent = known.length ? `3 min, up to ${this.#format(end)}` : '3 min';
    this.#svg.setAttribute('aria-label', this.#describe(known));
  }

  #describe(known) {
    if (!known.length) return `${this.#name} in the last three minutes: nothing yet`;
    const [least, most] = [Math.min(...known), Math.max(...known)].map(this.#format);
    return `${this.#name} in the last three minutes: ${least} to ${most}`;
  }
}
