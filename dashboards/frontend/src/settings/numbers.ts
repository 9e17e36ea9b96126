/** Sizes and counts as people read them. */

import { locale } from "../language";

const UNITS = ["kB", "MB", "GB", "TB"];

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
}

/** 130 MB, 5.4 GB. */
export function size(octets: number): string {
  let [value, unit] = [octets / 1000, 0];
  while (value >= 1000 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${number(value, value < 10 ? 1 : 0)} ${UNITS[unit]}`;
}
