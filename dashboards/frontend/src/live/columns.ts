/** From ring to screen: at most one column a pixel, widest extremes kept, gaps left as null. */

import type { Sensor } from "./model";
import type { Ring } from "./ring";

export type Series = (number | null)[];

/** The columns a plot shows. */
export interface Columns {
  /** Middle of each column, UTC seconds. */
  x: number[];
  /** First ring step of the first column. */
  first: number;
  /** Ring steps a column. */
  width: number;
  fromS: number;
  toS: number;
}

/** Lay columns over a window. Their borders stand still in time, so that nothing shimmers as it scrolls. */
export function layOut(ring: Ring, edgeMs: number, windowS: number, pixels: number): Columns {
  const width = Math.max(1, Math.ceil((windowS * 1000) / ring.stepMs / Math.max(100, pixels)));
  const last = Math.floor(edgeMs / ring.stepMs / width);
  const count = Math.ceil((windowS * 1000) / ring.stepMs / width) + 1;
  const columnS = (width * ring.stepMs) / 1000;
  const x = Array.from({ length: count }, (_, i) => (last - count + 1 + i + 0.5) * columnS);
  return { x, first: (last - count + 1) * width, width, fromS: edgeMs / 1000 - windowS, toS: edgeMs / 1000 };
}

/** Combine each column's steps of one field by `choose`; null where none is known. */
export function gather(
  ring: Ring,
  columns: Columns,
  channel: number,
  field: number,
  choose: (a: number, b: number) => number,
): Series {
  return columns.x.map((_, i) => {
    let found: number | null = null;
    for (let j = 0; j < columns.width; j++) {
      const value = ring.at(columns.first + i * columns.width + j, channel, field);
      if (!Number.isNaN(value)) found = found === null ? value : choose(found, value);
    }
    return found;
  });
}

/** Stretches of the window without samples, in UTC seconds; what was before the first sample is not one. */
export function gaps(ring: Ring, columns: Columns): [number, number][] {
  const stepS = ring.stepMs / 1000;
  const begin = Math.floor(columns.fromS / stepS);
  const end = Math.ceil(columns.toS / stepS);
  const found: [number, number][] = [];
  let from: number | null = null;
  let known = false;
  for (let step = Math.min(begin, ring.end - ring.capacity); step < begin && !known; step++) known = has(ring, step);
  for (let step = begin; step < end; step++) {
    if (has(ring, step)) {
      if (from !== null && known) found.push([from * stepS, step * stepS]);
      from = null;
      known = true;
    } else from ??= step;
  }
  // The newest two steps are still being filled.
  if (from !== null && known && end - from > 2) found.push([from * stepS, columns.toS]);
  return found;
}

function has(ring: Ring, step: number): boolean {
  return !Number.isNaN(ring.at(step, 0, 0));
}

/** The ring of samples that is fine enough for a window. */
export function waveRing(sensor: Sensor, windowS: number): Ring {
  return windowS <= 30 ? sensor.fine : sensor.coarse;
}
