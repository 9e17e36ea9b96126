/**
 * Times and numbers as people read them: local time, written as the browser's region does, with its offset from UTC
 * where that matters. Every conversion of a number to text for people is here.
 */

import { text } from "./index";
import { locale } from "./language";

/** "7:05 PM" where the region counts to twelve, but "07:05" elsewhere: "7:05" could be a length of time. */
const HOUR_STYLE = new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions().hour12 ? "numeric" : "2-digit";
const HOUR_MINUTE = { hour: HOUR_STYLE, minute: "2-digit" } as const;
const MILLISECONDS = { fractionalSecondDigits: 3 } as Intl.DateTimeFormatOptions; // not in TypeScript's es2020

const CLOCK = new Intl.DateTimeFormat(locale, HOUR_MINUTE);
const CLOCK_SECONDS = new Intl.DateTimeFormat(locale, { ...HOUR_MINUTE, second: "2-digit" });
const CLOCK_MILLISECONDS = new Intl.DateTimeFormat(locale, { ...HOUR_MINUTE, second: "2-digit", ...MILLISECONDS });
const MINUTE_MILLISECONDS = new Intl.DateTimeFormat(locale, { minute: "2-digit", second: "2-digit", ...MILLISECONDS });
const WEEKDAY = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short" });
const DAY = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long" });
const DATE_TIME = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", year: "numeric", ...HOUR_MINUTE });
/** Nights are named by a date, not by a moment: they are written in UTC so that no time zone shifts them. */
const NIGHT = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const NIGHT_LONG = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });
const AXIS = new Intl.NumberFormat(locale, { maximumSignificantDigits: 2, useGrouping: false });
/** By number of decimals. Making a format takes much longer than using it. */
const FIXED: Intl.NumberFormat[] = [];
const AT_MOST: Intl.NumberFormat[] = [];
const SIZES = ["kB", "MB", "GB", "TB"] as const;
const MINUS = "−";

/** "7:05 PM", "19:05". */
export function clock(ms: number): string {
  return withoutBreaks(CLOCK.format(ms));
}

export function clockSeconds(ms: number): string {
  return withoutBreaks(CLOCK_SECONDS.format(ms));
}

/** As exact as a view of `spanMs` shows: to the second, or to the millisecond within a minute. */
export function clockExact(ms: number, spanMs: number): string {
  return (spanMs < 60_000 ? CLOCK_MILLISECONDS : CLOCK_SECONDS).format(ms);
}

/** As exact as an axis with a mark each `stepMs` needs. */
export function clockOnAxis(ms: number, stepMs: number): string {
  return (stepMs < 1000 ? MINUTE_MILLISECONDS : stepMs < 60_000 ? CLOCK_SECONDS : CLOCK).format(ms);
}

/** With the day in front if it is another day than `todayMs`. */
export function clockOfDay(ms: number, todayMs: number): string {
  return WEEKDAY.format(ms) === WEEKDAY.format(todayMs) ? clock(ms) : `${WEEKDAY.format(ms)} ${clock(ms)}`;
}

/** "December 31". */
export function day(ms: number): string {
  return DAY.format(ms);
}

/** "Sat, Nov 21, 2026, 12:10 AM". */
export function dateTime(ms: number): string {
  return DATE_TIME.format(ms);
}

/** "Fri, Nov 20, 2026" for the night `2026-11-20`, or `demo.2026-11-20`. */
export function nightDate(night: string): string {
  return NIGHT.format(noonOf(night));
}

/** "Friday, November 20". */
export function nightTitle(night: string): string {
  return NIGHT_LONG.format(noonOf(night));
}

/** Offset of local time from UTC at that moment: "UTC+01:00". */
export function offset(ms: number): string {
  const minutes = -new Date(ms).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? MINUS : "+"}${twoDigits(Math.floor(size / 60))}:${twoDigits(size % 60)}`;
}

/** A running timer: "0:23", "12:05", "1:02:03". */
export function timer(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${twoDigits(m)}:${twoDigits(s)}` : `${m}:${twoDigits(s)}`;
}

/** A length of time: "0.3 s", "42 s", "1 min 40 s", "7 h 5 min". */
export function duration(ms: number): string {
  const { seconds, minutes, minutesSeconds, hoursMinutes } = text.common.durations;
  const exact = Math.max(0, ms) / 1000;
  if (exact < 9.95) return seconds(decimals(exact, 1)); // from there on rounding would give "10.0"
  const s = Math.round(exact);
  if (s < 60) return seconds(String(s));
  if (s < 3600) return s % 60 ? minutesSeconds(String(Math.floor(s / 60)), String(s % 60)) : minutes(String(s / 60));
  const m = Math.round(exact / 60);
  return hoursMinutes(String(Math.floor(m / 60)), String(m % 60));
}

/** "12 s", for a difference that is counted in seconds however long it is. */
export function seconds(ms: number, digits = 0): string {
  return text.common.durations.seconds(decimals(ms / 1000, digits));
}

/** A number with exactly so many decimals. */
export function decimals(value: number, digits: number): string {
  const format = (FIXED[digits] ??= new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  return format.format(value);
}

/** A number with at most so many decimals. */
export function number(value: number, digits = 0): string {
  return (AT_MOST[digits] ??= new Intl.NumberFormat(locale, { maximumFractionDigits: digits })).format(value);
}

/** A measurement with two or three significant digits: "3.4", "12", "340". */
export function figure(value: number): string {
  return decimals(value, Math.abs(value) >= 9.995 ? 0 : 1);
}

/** A figure with its unit. */
export function amount(value: number, unit: keyof typeof text.common.units): string {
  return `${figure(value)}\u00a0${text.common.units[unit]}`.trim();
}

/** A number on an axis: "0.3", "30", "1.5k". */
export function axisFigure(value: number): string {
  return value >= 1000 ? `${AXIS.format(value / 1000)}k` : AXIS.format(value);
}

/** A share in percent, rounded down: only what is complete is called 100 %. */
export function percentFloor(share: number): string {
  return text.common.percent(String(Math.floor(share * 100)));
}

/** A share in percent, rounded. */
export function percent(share: number): string {
  return text.common.percent(String(Math.round(share * 100)));
}

export function celsius(value: number): string {
  return text.common.celsius(decimals(value, 1));
}

export function hertz(value: number, digits = 0): string {
  return text.common.hertz(number(value, digits));
}

/** Received signal strength, with a proper minus sign. */
export function dbm(value: number): string {
  return text.common.dbm(String(value).replace("-", MINUS));
}

/** "130 MB", "5.4 GB". */
export function fileSize(bytes: number): string {
  let [value, unit] = [bytes / 1000, 0];
  while (value >= 999.5 && unit < SIZES.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${number(value, value < 9.95 ? 1 : 0)}\u00a0${text.common.sizes[SIZES[unit] ?? "TB"]}`;
}

/** Keep a line from breaking between "7:05" and "PM". */
function withoutBreaks(time: string): string {
  return time.replace(/\s/g, "\u00a0");
}

function noonOf(night: string): number {
  return Date.parse(`${night.split(".").pop() ?? ""}T12:00:00Z`);
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
