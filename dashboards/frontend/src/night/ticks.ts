/** Where a time axis has its marks, and what stands there. */

import { HOUR_STYLE, locale } from "../language";
import { offset } from "../time";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500,
  ...[1, 2, 5, 10, 15, 30].map((s) => s * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((m) => m * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map((h) => h * HOUR),
];
const WITH_MINUTES = new Intl.DateTimeFormat(locale, { hour: HOUR_STYLE, minute: "2-digit" });
const WITH_SECONDS = new Intl.DateTimeFormat(locale, { hour: HOUR_STYLE, minute: "2-digit", second: "2-digit" });
const WITH_MILLISECONDS = new Intl.DateTimeFormat(locale, { minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 } as Intl.DateTimeFormatOptions);

export interface Tick {
  ms: number;
  label: string;
  isChanged: boolean;
}

/** Marks of a window, at most one each `spacePx`. After a change of the clocks the label tells the offset. */
export function ticks(fromMs: number, toMs: number, widthPx: number, spacePx: number): Tick[] {
  const least = ((toMs - fromMs) / Math.max(widthPx, 1)) * spacePx;
  const step = STEPS.find((one) => one >= least) ?? 24 * HOUR;
  const format = step < SECOND ? WITH_MILLISECONDS : step < MINUTE ? WITH_SECONDS : WITH_MINUTES;
  const found: Tick[] = [];
  let zone = shiftMs(fromMs);
  for (let local = Math.ceil((fromMs + zone) / step) * step; found.length < 100; local += step) {
    const ms = local - zone;
    if (ms > toMs) break;
    const isChanged = shiftMs(ms) !== zone;
    found.push({ ms, isChanged, label: isChanged ? `${format.format(ms)} ${offset(ms)}` : format.format(ms) });
    if (!isChanged) continue;
    // Go on at whole local hours of the new offset.
    local += shiftMs(ms) - zone;
    zone = shiftMs(ms);
    local = Math.floor(local / step) * step;
  }
  return found;
}

/** How far local time is ahead of UTC at a moment. */
function shiftMs(ms: number): number {
  return -new Date(ms).getTimezoneOffset() * MINUTE;
}
