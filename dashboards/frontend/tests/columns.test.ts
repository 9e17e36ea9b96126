import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { gaps, combine, layOut, waveRing } from "../src/live/columns";
import { Sensor } from "../src/live/model";
import { Ring } from "../src/live/ring";
import { curve } from "./made";

function ringOf(at: number, values: number[]): Ring {
  const ring = new Ring(100, 300, 1, 1);
  ring.put(curve(at, values));
  return ring;
}

test("there is at most one column a pixel", () => {
  const ring = new Ring(100, 3000, 1, 1);
  assert.equal(layOut(ring, 300_000, 30, 300).width, 1);
  assert.equal(layOut(ring, 300_000, 30, 299).width, 2);
});

test("a narrow plot still has a hundred columns", () => {
  assert.equal(layOut(new Ring(100, 3000, 1, 1), 300_000, 10, 1).width, 1);
});

test("borders of columns do not move with the window", () => {
  const ring = new Ring(100, 3000, 1, 1);
  for (const edgeMs of [300_000, 300_050, 300_333]) assert.equal(layOut(ring, edgeMs, 60, 100).first % 6, 0);
});

test("the window reaches from the edge back, and columns cover all of it", () => {
  const columns = layOut(new Ring(100, 3000, 1, 1), 300_040, 10, 100);
  assert.deepEqual([columns.fromS, columns.toS], [290.04, 300.04]);
  assert(columns.first * 0.1 <= columns.fromS);
  assert((columns.x[columns.x.length - 1] ?? 0) + 0.05 >= columns.toS - 0.1);
});

test("each column keeps the extreme of its steps, and gaps stay empty", () => {
  const ring = ringOf(0, [1, 9, 3, NaN, NaN, NaN, 4, NaN]);
  const columns = { x: [0, 1, 2, 3], first: 0, width: 2, fromS: 0, toS: 0.8 };
  assert.deepEqual(combine(ring, columns, 0, 0, Math.max), [9, 3, null, 4]);
  assert.deepEqual(combine(ring, columns, 0, 0, Math.min), [1, 3, null, 4]);
});

test("zero is a value, not a gap", () => {
  assert.deepEqual(combine(ringOf(0, [0, -1]), { x: [0], first: 0, width: 2, fromS: 0, toS: 0.2 }, 0, 0, Math.max), [0]);
});

test("a gap is found with its exact start and end", () => {
  const ring = ringOf(0, [1, 1, NaN, NaN, NaN, 1, 1]);
  assert.deepEqual(roundedGaps(ring, 0, 0.7), [[0.2, 0.5]]);
});

test("a gap that began before the window is shown from its edge", () => {
  const ring = ringOf(0, [1, NaN, NaN, NaN, 1]);
  assert.deepEqual(roundedGaps(ring, 0.2, 0.5), [[0.2, 0.4]]);
});

test("the time before the first sample is no gap", () => {
  assert.deepEqual(roundedGaps(ringOf(10, [1, 1]), 0.5, 1.2), []);
});

test("the newest two steps are still being filled; three empty ones are a gap", () => {
  assert.deepEqual(roundedGaps(ringOf(0, [1, 1, 1, NaN, NaN]), 0, 0.5), []);
  assert.deepEqual(roundedGaps(ringOf(0, [1, 1, NaN, NaN, NaN]), 0, 0.5), [[0.2, 0.5]]);
});

test("up to thirty seconds are drawn from the fine ring", () => {
  const sensor = new Sensor("cw");
  assert.equal(waveRing(sensor, 30), sensor.fine);
  assert.equal(waveRing(sensor, 30.1), sensor.coarse);
});

function roundedGaps(ring: Ring, fromS: number, toS: number): number[][] {
  const columns = { x: [], first: 0, width: 1, fromS, toS };
  return gaps(ring, columns).map((gap) => gap.map((s) => Math.round(s * 1000) / 1000));
}
