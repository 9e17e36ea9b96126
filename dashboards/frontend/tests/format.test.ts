import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import * as format from "../src/i18n/format";
import { spaced } from "./made";

/** Ten past midnight in Berlin. */
const MIDNIGHT = Date.UTC(2026, 10, 20, 23, 10, 5, 250);

test("times of day", () => {
  assert.equal(format.clock(MIDNIGHT), "12:10\u00a0AM");
  assert.equal(format.clockSeconds(MIDNIGHT), "12:10:05\u00a0AM");
  assert.equal(format.offset(MIDNIGHT), "UTC+01:00");
});

test("another day is named, the same day is not", () => {
  assert.equal(format.clockOfDay(MIDNIGHT, MIDNIGHT + 3_600_000), "12:10\u00a0AM");
  assert.match(format.clockOfDay(MIDNIGHT, MIDNIGHT - 3_600_000), /^Sat, Nov 21 12:10\sAM$/);
});

test("a view of less than a minute shows milliseconds", () => {
  assert.match(format.clockExact(MIDNIGHT, 59_999), /^12:10:05\.250\sAM$/);
  assert.match(format.clockExact(MIDNIGHT, 60_000), /^12:10:05\sAM$/);
});

test("labels on an axis are as exact as its marks need", () => {
  assert.equal(format.clockOnAxis(MIDNIGHT, 999), "10:05.250");
  assert.match(format.clockOnAxis(MIDNIGHT, 1000), /^12:10:05\sAM$/);
  assert.match(format.clockOnAxis(MIDNIGHT, 59_999), /^12:10:05\sAM$/);
  assert.match(format.clockOnAxis(MIDNIGHT, 60_000), /^12:10\sAM$/);
});

test("days and nights", () => {
  assert.equal(spaced(format.day(MIDNIGHT)), "November 21");
  assert.match(format.dateTime(MIDNIGHT), /^Sat, Nov 21, 2026, 12:10\sAM$/);
  assert.equal(spaced(format.nightDate("2026-11-20")), "Fri, Nov 20, 2026");
  assert.equal(spaced(format.nightTitle("demo.2026-11-20")), "Friday, November 20");
});

test("a running timer", () => {
  assert.deepEqual([-5, 999, 59_999, 60_000, 3_599_999, 3_600_000, 3_723_000].map(format.timer), ["0:00", "0:00", "0:59", "1:00", "59:59", "1:00:00", "1:02:03"]);
});

test("lengths of time, at the borders of their units", () => {
  const expected: [number, string][] = [
    [-1, "0.0 s"],
    [340, "0.3 s"],
    [9949, "9.9 s"],
    [9950, "10 s"],
    [59_499, "59 s"],
    [59_500, "1 min"],
    [100_000, "1 min 40 s"],
    [3_599_499, "59 min 59 s"],
    [3_599_500, "1 h 0 min"],
    [25_920_000, "7 h 12 min"],
  ];
  for (const [ms, text] of expected) assert.equal(spaced(format.duration(ms)), text);
});

test("figures have two or three digits", () => {
  assert.deepEqual([0.04, 3.44, 9.994, 9.995, 340.4, -12.3].map(format.figure), ["0.0", "3.4", "10.0", "10", "340", "-12"]);
  assert.equal(spaced(format.amount(90.2, "uV")), "90 µV");
  assert.equal(format.amount(2, ""), "2.0");
});

test("numbers on an axis", () => {
  assert.deepEqual([0.3, 5, 31.6, 999, 1000, 1500, 20_000].map(format.axisFigure), ["0.3", "5", "32", "1000", "1k", "1.5k", "20k"]);
});

test("only what is complete is called 100 percent", () => {
  assert.deepEqual([0, 0.999, 1].map(format.percentFloor).map(spaced), ["0 %", "99 %", "100 %"]);
  assert.deepEqual([0.875, 0.999].map(format.percent).map(spaced), ["88 %", "100 %"]);
});

test("sizes of files", () => {
  const sizes = [500, 9_940, 9_960, 130e6, 999.4e6, 999.6e6, 5.4e9, 2e15].map(format.fileSize).map(spaced);
  assert.deepEqual(sizes, ["0.5 kB", "9.9 kB", "10 kB", "130 MB", "999 MB", "1 GB", "5.4 GB", "2,000 TB"]);
});

test("units", () => {
  assert.equal(spaced(format.dbm(-67)), "−67 dBm");
  assert.equal(spaced(format.celsius(31.44)), "31.4 °C");
  assert.equal(spaced(format.hertz(1000)), "1,000 Hz");
  assert.equal(spaced(format.seconds(3210, 1)), "3.2 s");
});
