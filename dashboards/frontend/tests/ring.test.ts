import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { Ring } from "../src/live/ring";
import { integersOf } from "../src/packed";
import { curve } from "./made";

const CAPACITY = 5;

function ringOf(at: number, values: number[], scale = 1): Ring {
  const ring = new Ring(100, CAPACITY, 1, 1);
  ring.put(curve(at, values, 1, scale));
  return ring;
}

function contents(ring: Ring, from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => ring.at(from + i, 0, 0));
}

test("integers are little-endian and signed", () => {
  assert.deepEqual([...integersOf(btoa("\x01\x02\xff\xff\x00\x80"))], [0x0201, -1, -32768]);
});

test("an empty ring holds nothing", () => {
  const ring = new Ring(100, CAPACITY, 1, 1);
  assert.equal(ring.end, 0);
  assert.equal(ring.at(0, 0, 0), NaN);
});

test("values are scaled, and 'no value' is NaN", () => {
  const ring = ringOf(10, [1, NaN, -3], 0.5);
  assert.equal(ring.end, 13);
  assert.deepEqual(contents(ring, 10, 13), [1, NaN, -3]);
});

test("it holds as many steps as its capacity, and no more", () => {
  const ring = ringOf(10, [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(contents(ring, 10, 17), [NaN, 1, 2, 3, 4, 5, NaN]);
});

test("a curve that comes late fills the gap it left", () => {
  const ring = ringOf(10, [0]);
  ring.put(curve(13, [3]));
  assert.deepEqual(contents(ring, 10, 14), [0, NaN, NaN, 3]);
  ring.put(curve(11, [1, 2]));
  assert.equal(ring.end, 14);
  assert.deepEqual(contents(ring, 10, 14), [0, 1, 2, 3]);
});

test("skipped steps do not show older values of the same place in the buffer", () => {
  const ring = ringOf(10, [0, 1, 2, 3, 4]);
  ring.put(curve(17, [7]));
  assert.deepEqual(contents(ring, 13, 18), [3, 4, NaN, NaN, 7]);
});

test("steps older than the ring are dropped", () => {
  const ring = ringOf(20, [0, 1, 2, 3, 4]);
  ring.put(curve(18, [8, 9]));
  assert.deepEqual(contents(ring, 18, 25), [NaN, NaN, 0, 1, 2, 3, 4]);
});

test("a leap of more than its capacity empties it", () => {
  const ring = ringOf(10, [0, 1, 2, 3, 4]);
  ring.put(curve(1000, [7]));
  assert.deepEqual(contents(ring, 996, 1001), [NaN, NaN, NaN, NaN, 7]);
});

test("channels and fields do not mix", () => {
  const ring = new Ring(100, CAPACITY, 2, 2);
  ring.put(curve(3, [1, 2, 3, 4, 5, 6, 7, 8], 4));
  assert.deepEqual([ring.at(3, 0, 0), ring.at(3, 0, 1), ring.at(3, 1, 0), ring.at(3, 1, 1)], [1, 2, 3, 4]);
  assert.deepEqual([ring.at(4, 0, 0), ring.at(4, 1, 1)], [5, 8]);
});

test("a curve of another number of channels is ignored", () => {
  const ring = ringOf(10, [0]);
  ring.put({ ...curve(11, [1, 2]), n: 1 });
  assert.equal(ring.end, 11);
});
