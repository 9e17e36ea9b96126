import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { activeEpisodes } from "../src/live/active";
import type { Model } from "../src/live/model";
import { episode, model, NIGHT_MS, sensorInfo, sensorState } from "./made";

function ids(made: Model, now = 0): string[] {
  return activeEpisodes(made, now).map(({ id }) => id);
}

/** An episode that ended so long before the newest sample. */
function ended(agoMs: number): Model {
  return model({}, { episodes: [episode({ status: "closed", onset_ns: (NIGHT_MS - 200_000) * 1e6, offset_ns: (NIGHT_MS - agoMs) * 1e6 })] });
}

test("an open cramp is active", () => {
  const [active] = activeEpisodes(model({}, { episodes: [episode()] }), 0);
  assert.deepEqual([active?.id, active?.endMs, active?.isUnseen], ["e1", null, false]);
});

test("an ended one is shown for a minute", () => {
  assert.deepEqual(ids(ended(60_000)), ["e1"]);
  assert.deepEqual(ids(ended(60_001)), []);
});

test("withdrawn and final ones are not shown", () => {
  for (const status of ["retracted", "final"] as const) assert.deepEqual(ids(model({}, { episodes: [episode({ status })] })), []);
});

test("only kinds that raise an alarm are shown", () => {
  const made = model({}, { episodes: [episode({ kind: "rhythmic" })] });
  assert.deepEqual(ids(made), []);
  made.alarms = { ...made.alarms, calls: ["rhythmic"] };
  assert.deepEqual(ids(made), ["e1"]);
});

test("an open cramp is over once its sensor rests, but not before the episode was reported", () => {
  const at = (ms: number): Model =>
    model({ state: sensorState({ t_ns: (NIGHT_MS + ms) * 1e6 }) }, { episodes: [episode()] });
  assert.deepEqual(ids(at(1)), []);
  assert.deepEqual(ids(at(0)), ["e1"]);
});

test("an open cramp is over once its recording has ended, or another one has started", () => {
  assert.deepEqual(ids(model({ info: sensorInfo({ ended_ns: 1 }) }, { episodes: [episode()] })), []);
  assert.deepEqual(ids(model({ info: sensorInfo({ session: "s2" }) }, { episodes: [episode()] })), []);
  assert.deepEqual(ids(model({}, { episodes: [episode({ sensor: "unknown" })] })), []);
});

test("an open cramp without signal is shown for ten minutes, as unseen", () => {
  const made = model({}, { episodes: [episode()] });
  assert.equal(activeEpisodes(made, 600_000)[0]?.isUnseen, true);
  assert.deepEqual(ids(made, 600_001), []);
});

test("a cramp cannot be seen while the signal is poor or the sensor is off", () => {
  for (const state of ["poor_signal", "off_body", "no_data"] as const)
    assert.equal(activeEpisodes(model({ state: sensorState({ state }) }, { episodes: [episode()] }), 0)[0]?.isUnseen, true);
});

test("a cramp known from the state alone is shown, but not twice", () => {
  const state = sensorState({ state: "cramp" });
  assert.deepEqual(activeEpisodes(model({ state }), 0).map(({ onsetMs }) => onsetMs), [NIGHT_MS]);
  assert.deepEqual(ids(model({ state }, { episodes: [episode()] })), ["e1"]);
});

test("the oldest comes first", () => {
  const made = model({}, { episodes: [episode({ id: "late", onset_ns: 2e6 }), episode({ id: "early", onset_ns: 1e6 })] });
  assert.deepEqual(ids(made), ["early", "late"]);
});
