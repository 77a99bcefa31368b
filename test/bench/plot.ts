// Requests a second by mappings held, as a picture for the docs: one panel for each kind of request, one line for each
// gateway. Complete in itself, and readable on white and on dark. Pure.

import { WITHOUT_PINHOLES } from '../load/measured-gateway.js';
import type { RequestFigures, RequestKind } from './requests.js';
import { rounded as rate } from '../load/text-table.js';

type Plotted = Pick<RequestFigures, 'gateway' | 'held' | 'kind' | 'width' | 'perSecond'>;

const KINDS: readonly RequestKind[] = ['address', 'new', 'renewal', 'deletion'];
/** Neither lost on white nor on black, and told apart by who sees few colours; the dashes help. */
const LINES = [
  { colour: '#2f81f7', dash: '' },
  { colour: '#d4770b', dash: '6 3' },
  { colour: '#a45bd3', dash: '2 3' },
] as const;
const GREY = '#7d8590';
const PANEL = { width: 340, height: 210, left: 62, right: 14, top: 30, bottom: 40 } as const;
const COLUMNS = 2;
/** The line of the legend, below a title and two lines of caption. */
const LEGEND = 62;
const HEAD = LEGEND + 16;

/**
 * `caption`: a line or two about the machine. Shown is the greatest number of outstanding requests that was measured.
 */
export function plot(requests: readonly Plotted[], caption: string): string {
  const width = Math.max(0, ...requests.map((each) => each.width));
  const shown = requests.filter((each) => each.width === width && each.gateway !== WITHOUT_PINHOLES);
  const kinds = KINDS.filter((kind) => shown.some((each) => each.kind === kind));
  const gateways = distinct(shown.map(({ gateway }) => gateway));
  const sizes = distinct(shown.map(({ held }) => held)).toSorted((a, b) => a - b);
  const rates = shown.map(({ perSecond }) => perSecond.median).filter((rate) => rate > 0);
  const [least, most] = decades(rates);
  const size = { width: COLUMNS * PANEL.width, height: HEAD + Math.ceil(kinds.length / COLUMNS) * PANEL.height };
  const panels = kinds.map((kind, index) => {
    const at = `translate(${(index % COLUMNS) * PANEL.width} ${HEAD + Math.floor(index / COLUMNS) * PANEL.height})`;
    const lines = gateways.map((gateway, line) =>
      series(
        shown.filter((each) => each.kind === kind && each.gateway === gateway),
        sizes,
        least,
        most,
        line,
      ),
    );
    return `<g transform="${at}">${axes(kind, sizes, least, most)}${lines.join('')}</g>\n`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" ` +
    `font-family="sans-serif" font-size="11" fill="${GREY}" role="img">\n` +
    `<title>Requests a second by mappings held</title>\n` +
    `${text(10, 16, `Requests a second by mappings held, ${width} outstanding`, 'font-weight="bold" font-size="13"')}\n` +
    `${caption
      .split('\n')
      .map((line, index) => text(10, 32 + 14 * index, line))
      .join('\n')}\n${legend(gateways)}\n${panels.join('')}</svg>\n`
  );
}

function axes(title: string, sizes: readonly number[], least: number, most: number): string {
  const parts = [text(PANEL.left, PANEL.top - 10, title, 'font-weight="bold" font-size="12"')];
  for (let decade = least; decade <= most; decade++) {
    const y = yOf(10 ** decade, least, most);
    parts.push(
      `<line x1="${PANEL.left}" x2="${PANEL.width - PANEL.right}" y1="${y}" y2="${y}" stroke="${GREY}" stroke-opacity="0.35"/>`,
    );
    parts.push(text(PANEL.left - 6, y + 4, number(10 ** decade), 'text-anchor="end"'));
  }
  for (const size of sizes)
    parts.push(text(xOf(size, sizes), PANEL.height - PANEL.bottom + 18, number(size), 'text-anchor="middle"'));
  return parts.join('');
}

function series(
  points: readonly Plotted[],
  sizes: readonly number[],
  least: number,
  most: number,
  line: number,
): string {
  const { colour, dash } = LINES[line % LINES.length] as (typeof LINES)[number];
  const at = points
    .filter(({ perSecond }) => perSecond.median > 0)
    .toSorted((a, b) => a.held - b.held)
    .map(({ held, perSecond }) => ({ x: xOf(held, sizes), y: yOf(perSecond.median, least, most), ...perSecond }));
  if (at.length === 0) return '';
  const path = `<polyline points="${at.map(({ x, y }) => `${x},${y}`).join(' ')}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`;
  const dots = at.map(({ x, y }) => `<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`).join('');
  const last = at.at(-1) as (typeof at)[number];
  // The first line's below, the others' above: those of the same gateway with and without JIT lie close together.
  return (
    path +
    dots +
    text(last.x, last.y + (line === 0 ? 15 : -7), rate(last.median), `text-anchor="middle" fill="${colour}"`)
  );
}

function legend(gateways: readonly string[]): string {
  return gateways
    .map((name, line) => {
      const { colour, dash } = LINES[line % LINES.length] as (typeof LINES)[number];
      const x = 10 + line * 130;
      return `<line x1="${x}" x2="${x + 26}" y1="${LEGEND - 4}" y2="${LEGEND - 4}" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>${text(x + 32, LEGEND, name)}`;
    })
    .join('');
}

/** The powers of ten around the rates. */
function decades(rates: readonly number[]): readonly [number, number] {
  if (rates.length === 0) return [0, 1];
  const least = Math.floor(Math.log10(Math.min(...rates)));
  return [least, Math.max(least + 1, Math.ceil(Math.log10(Math.max(...rates))))];
}

function xOf(size: number, sizes: readonly number[]): number {
  const step = (PANEL.width - PANEL.left - PANEL.right) / sizes.length;
  return tenth(PANEL.left + step * (sizes.indexOf(size) + 0.5));
}

function yOf(rate: number, least: number, most: number): number {
  const share = (Math.log10(rate) - least) / (most - least);
  return tenth(PANEL.height - PANEL.bottom - share * (PANEL.height - PANEL.top - PANEL.bottom));
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}"${attributes === '' ? '' : ` ${attributes}`}>${escaped}</text>`;
}
