/**
 * The marks of a time axis and their labels.
 *
 * Marks are at round local times, not at round UTC: an axis in hours reads 22:00, 23:00 in every time zone, also where
 * the offset is half an hour. When the clocks change within the window, the mark after the change carries the new
 * offset, and the marks go on at round times of the new offset.
 */

import { clockOnAxis, offset } from "../i18n/format";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Distances between marks that people count in, milliseconds. */
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500,
  ...[1, 2, 5, 10, 15, 30].map((s) => s * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((m) => m * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map((h) => h * HOUR),
];
/** No axis has room for more; also ends the loop for windows of years. */
const MOST_TICKS = 100;

export interface Tick {
  ms: number;
  label: string;
  /** The clocks have changed since the mark before. */
  isChanged: boolean;
}

/** The marks of a window of `widthPx`, at least `spacePx` apart. */
export function ticks(fromMs: number, toMs: number, widthPx: number, spacePx: number): Tick[] {
  const atLeast = ((toMs - fromMs) / Math.max(widthPx, 1)) * spacePx;
  const step = STEPS.find((one) => one >= atLeast) ?? DAY;
  const found: Tick[] = [];
  let zone = zoneMs(fromMs);
  for (let local = Math.ceil((fromMs + zone) / step) * step; found.length < MOST_TICKS; local += step) {
    const ms = local - zone;
    if (ms > toMs) break;
    const isChanged = zoneMs(ms) !== zone;
    const label = clockOnAxis(ms, step);
    found.push({ ms, isChanged, label: isChanged ? `${label} ${offset(ms)}` : label });
    if (!isChanged) continue;
    // Go on at round local times of the new offset.
    local += zoneMs(ms) - zone;
    zone = zoneMs(ms);
    local = Math.floor(local / step) * step;
  }
  return found;
}

/** How far local time is ahead of UTC at a moment. */
function zoneMs(ms: number): number {
  return -new Date(ms).getTimezoneOffset() * MINUTE;
}
