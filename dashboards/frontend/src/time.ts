/** Times and numbers as people read them: local time by the browser's locale, with its offset where it matters. */

import { HOUR_STYLE, locale } from "./language";
import { text } from "./strings";

const CLOCK = new Intl.DateTimeFormat(locale, { hour: HOUR_STYLE, minute: "2-digit" });
const CLOCK_SECONDS = new Intl.DateTimeFormat(locale, { hour: HOUR_STYLE, minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short" });
const DECIMALS: Intl.NumberFormat[] = [];

export function clock(ms: number): string {
  return CLOCK.format(ms);
}

export function clockSeconds(ms: number): string {
  return CLOCK_SECONDS.format(ms);
}

/** Time with the day in front where it is another day than `today`. */
export function clockOfDay(ms: number, today: number): string {
  return DAY.format(ms) === DAY.format(today) ? clock(ms) : `${DAY.format(ms)} ${clock(ms)}`;
}

/** Offset from UTC at that time, as UTC+01:00. */
export function offset(ms: number): string {
  const minutes = -new Date(ms).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** 0:23, 12:05, 1:02:03. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Length of an episode: tenths where it is short. */
export function length(ms: number): string {
  return ms < 10_000 ? `${decimals(Math.max(0, ms) / 1000, 1)} s` : duration(ms);
}

/** Two or three telling digits. */
export function figure(value: number): string {
  const size = Math.abs(value);
  return decimals(value, size >= 9.995 ? 0 : 1);
}

/** A number with so many decimals, never more nor fewer. */
export function decimals(value: number, digits: number): string {
  const format = (DECIMALS[digits] ??= new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  return format.format(value);
}

export function amount(value: number, unit: "uV" | "relative" | ""): string {
  return `${figure(value)} ${text.units[unit]}`.trim();
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
