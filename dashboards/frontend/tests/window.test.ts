import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { TimeWindow } from "../src/night/window";

const HOUR = 3_600_000;

/** A window over ten hours that shows all of it, and how often it has changed since. */
function tenHours(): { view: TimeWindow; changes: () => number } {
  let changes = 0;
  const view = new TimeWindow(() => (changes += 1));
  view.setBounds(0, 10 * HOUR);
  changes = 0;
  return { view, changes: () => changes };
}

function shown(view: TimeWindow): [number, number] {
  return [view.fromMs, view.toMs];
}

test("at first all of the night is shown", () => {
  const { view } = tenHours();
  assert.deepEqual(shown(view), [0, 10 * HOUR]);
  assert(view.isWhole);
});

test("a window over the whole night follows the night as it grows", () => {
  const { view } = tenHours();
  view.setBounds(0, 11 * HOUR);
  assert.deepEqual(shown(view), [0, 11 * HOUR]);
});

test("a part of the night stays while the night grows", () => {
  const { view, changes } = tenHours();
  view.set(HOUR, 2 * HOUR);
  assert(!view.isWhole);
  view.setBounds(0, 11 * HOUR);
  assert.deepEqual(shown(view), [HOUR, 2 * HOUR]);
  assert.equal(changes(), 1);
});

test("zooming in and out keeps the moment under the pointer", () => {
  const { view } = tenHours();
  view.zoom(2, 2.5 * HOUR);
  assert.deepEqual(shown(view), [1.25 * HOUR, 6.25 * HOUR]);
  view.zoom(0.5, 2.5 * HOUR);
  assert.deepEqual(shown(view), [0, 10 * HOUR]);
});

test("without a pointer the middle stays", () => {
  const { view } = tenHours();
  view.zoom(5);
  assert.deepEqual(shown(view), [4 * HOUR, 6 * HOUR]);
});

test("ten milliseconds are the closest view", () => {
  const { view } = tenHours();
  view.set(HOUR, HOUR + 10);
  assert.equal(view.lengthMs, 10);
  view.set(HOUR, HOUR + 9);
  assert.equal(view.lengthMs, 10);
  view.zoom(1000);
  assert.equal(view.lengthMs, 10);
});

test("a night shorter than that is shown as one of ten milliseconds", () => {
  const { view } = tenHours();
  view.setBounds(0, 3);
  assert.deepEqual(shown(view), [0, 10]);
});

test("the window never leaves the night", () => {
  const { view } = tenHours();
  view.set(-HOUR, HOUR);
  assert.deepEqual(shown(view), [0, 2 * HOUR]);
  view.set(9.5 * HOUR, 11 * HOUR);
  assert.deepEqual(shown(view), [8.5 * HOUR, 10 * HOUR]);
  view.set(-5 * HOUR, 50 * HOUR);
  assert.deepEqual(shown(view), [0, 10 * HOUR]);
});

test("zooming out at an edge stays within the night", () => {
  const { view } = tenHours();
  view.set(9 * HOUR, 10 * HOUR);
  view.zoom(0.5, 9 * HOUR);
  assert.deepEqual(shown(view), [8 * HOUR, 10 * HOUR]);
});

test("moving keeps the length and stops at both ends", () => {
  const { view } = tenHours();
  view.set(4 * HOUR, 6 * HOUR);
  view.move(0.5);
  assert.deepEqual(shown(view), [5 * HOUR, 7 * HOUR]);
  view.shift(Infinity);
  assert.deepEqual(shown(view), [8 * HOUR, 10 * HOUR]);
  view.shift(-Infinity);
  assert.deepEqual(shown(view), [0, 2 * HOUR]);
});

test("a call that changes nothing is not reported", () => {
  const { view, changes } = tenHours();
  view.showAll();
  view.move(1);
  view.zoom(0.5);
  assert.equal(changes(), 0);
  view.zoom(2);
  assert.equal(changes(), 1);
});
