/**
 * From ring to screen: a plot has at most one column a pixel, and each column combines the ring steps that fall on it.
 *
 * Extremes are combined by minimum and maximum, so that no spike is lost however far out the plot is zoomed. Columns
 * without data stay null, which the plot leaves open: a gap is never drawn as zero.
 */

import type { Sensor } from "./model";
import type { Ring } from "./ring";

/** The fine ring holds 30 s. */
const FINE_WINDOW_S = 30;

export type Series = (number | null)[];

/** The columns a plot shows. */
export interface Columns {
  /** Middle of each column, UTC seconds. */
  x: number[];
  /** First ring step of the first column. */
  first: number;
  /** Ring steps per column. */
  width: number;
  fromS: number;
  toS: number;
}

/** Divide a window into columns. Their borders are fixed in time, so that nothing shimmers as the window scrolls. */
export function layOut(ring: Ring, edgeMs: number, windowS: number, pixels: number): Columns {
  const width = Math.max(1, Math.ceil((windowS * 1000) / ring.stepMs / Math.max(100, pixels)));
  const last = Math.floor(edgeMs / ring.stepMs / width);
  const count = Math.ceil((windowS * 1000) / ring.stepMs / width) + 1;
  const columnS = (width * ring.stepMs) / 1000;
  const x = Array.from({ length: count }, (_, i) => (last - count + 1 + i + 0.5) * columnS);
  return { x, first: (last - count + 1) * width, width, fromS: edgeMs / 1000 - windowS, toS: edgeMs / 1000 };
}

/** Combine each column's values of one field by `choose`; null where there are none. */
export function combine(
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

/** Gaps without samples in the window, in UTC seconds; the time before the first sample is not one. */
export function gaps(ring: Ring, columns: Columns): [number, number][] {
  const stepS = ring.stepMs / 1000;
  const begin = Math.floor(columns.fromS / stepS);
  const end = Math.ceil(columns.toS / stepS);
  const found: [number, number][] = [];
  let from: number | null = null;
  let hasBegun = false;
  for (let step = Math.min(begin, ring.end - ring.capacity); step < begin && !hasBegun; step++) hasBegun = hasStep(ring, step);
  for (let step = begin; step < end; step++) {
    if (hasStep(ring, step)) {
      if (from !== null && hasBegun) found.push([from * stepS, step * stepS]);
      from = null;
      hasBegun = true;
    } else from ??= step;
  }
  // The newest two steps are still being filled.
  if (from !== null && hasBegun && end - from > 2) found.push([from * stepS, columns.toS]);
  return found;
}

function hasStep(ring: Ring, step: number): boolean {
  return !Number.isNaN(ring.at(step, 0, 0));
}

/** The ring whose steps are fine enough for a window, without being finer than it needs. */
export function waveRing(sensor: Sensor, windowS: number): Ring {
  return windowS <= FINE_WINDOW_S ? sensor.fine : sensor.coarse;
}
