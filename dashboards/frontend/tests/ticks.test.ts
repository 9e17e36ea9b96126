import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { ticks } from "../src/night/ticks";
import { spaced } from "./made";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Eight in the evening in Berlin, in winter. */
const EVENING = Date.UTC(2026, 10, 20, 19, 0);

function labels(fromMs: number, toMs: number, widthPx: number, spacePx: number): string[] {
  return ticks(fromMs, toMs, widthPx, spacePx).map(({ label }) => spaced(label));
}

test("marks are at round local times", () => {
  assert.deepEqual(labels(EVENING - 5 * MINUTE, EVENING + 2 * HOUR, 300, 100), ["8:00 PM", "9:00 PM", "10:00 PM"]);
});

test("both ends of the window may have a mark", () => {
  const found = ticks(EVENING, EVENING + HOUR, 100, 100);
  assert.deepEqual([found[0]?.ms, found[found.length - 1]?.ms], [EVENING, EVENING + HOUR]);
});

test("if the space is just too small, the next larger step is used", () => {
  assert.equal(ticks(EVENING, EVENING + HOUR, 600, 100).length, 7); // ten minutes fit exactly
  assert.equal(ticks(EVENING, EVENING + HOUR, 599, 100).length, 5); // a quarter of an hour
});

test("labels are as exact as the marks", () => {
  assert.deepEqual(labels(EVENING, EVENING + 30_000, 300, 100), ["8:00:00 PM", "8:00:10 PM", "8:00:20 PM", "8:00:30 PM"]);
  assert.deepEqual(labels(EVENING, EVENING + 10, 200, 100), ["00:00.000", "00:00.005", "00:00.010"]);
});

test("marks are never more than a hundred, and a day apart at most", () => {
  assert.equal(ticks(EVENING, EVENING + 365 * 24 * HOUR, 100, 1).length, 100);
});

test("a window without width has marks nevertheless", () => {
  assert(ticks(EVENING, EVENING + HOUR, 0, 80).length >= 0);
});

test("after the clocks went back the first mark carries the new offset", () => {
  const from = Date.UTC(2026, 9, 24, 23, 0); // one in the morning; at three the clocks go back to two
  const found = ticks(from, from + 4 * HOUR, 500, 100);
  assert.deepEqual(
    found.map(({ label, isChanged }) => [spaced(label), isChanged]),
    [
      ["1:00 AM", false],
      ["2:00 AM", false],
      ["2:00 AM UTC+01:00", true],
      ["3:00 AM", false],
      ["4:00 AM", false],
    ],
  );
});

test("marks of many hours go on at round times after the clocks changed", () => {
  const from = Date.UTC(2026, 9, 24, 21, 0); // eleven in the evening
  assert.deepEqual(labels(from, from + 20 * HOUR, 500, 100), ["12:00 AM", "5:00 AM UTC+01:00", "6:00 AM", "12:00 PM", "6:00 PM"]);
});

test("after the clocks went forward no hour is marked that did not exist", () => {
  const from = Date.UTC(2026, 2, 29, 0, 0); // one in the morning; at two the clocks go forward to three
  assert.deepEqual(labels(from, from + 2 * HOUR, 300, 100), ["1:00 AM", "3:00 AM UTC+02:00", "4:00 AM"]);
});
