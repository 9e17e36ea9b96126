import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { currentFaults } from "../src/live/faults";
import type { Model } from "../src/live/model";
import type { Notice } from "../src/schema";
import { model, NIGHT_MS, sensorInfo, sensorState, spaced } from "./made";

const BASE = { sensor: "cw-left", t_ns: 0, origin: "live" } as const;

function codes(made: Model, now = 0): string[] {
  return currentFaults(made, now).map(({ code }) => code);
}

function diskNotice(agoMs: number): Notice {
  const t_ns = (Date.now() - agoMs) * 1e6;
  return { ...BASE, t_ns, id: "n1", severity: "warning", code: "disk_low", text: "The disk is filling up.", episode: null };
}

test("a sensor is lost after ten seconds of silence", () => {
  assert.deepEqual(codes(model(), 9999), []);
  const [fault] = currentFaults(model(), 10_000);
  assert.match(spaced(fault?.title ?? ""), /^Left foot: sensor lost since 11:00 PM \(0:10\)\.$/);
});

test("a sensor whose recording has ended is not lost", () => {
  assert.deepEqual(codes(model({ info: sensorInfo({ ended_ns: 1 }) }), 60_000), []);
});

test("an electrode is off if either the state or the signal quality shows it", () => {
  assert.deepEqual(codes(model({ state: sensorState({ state: "off_body" }) })), ["contact"]);
  assert.deepEqual(codes(model({ state: sensorState({ quality: [[], ["lead_off"]] }) })), ["contact"]);
  assert.deepEqual(codes(model({ state: sensorState({ quality: [["flat"], []] }) })), []);
});

test("a battery is low at 15 percent", () => {
  const at = (percent: number): Model => model({ battery: { ...BASE, percent, empty_at_ns: null } });
  assert.deepEqual([codes(at(16)), codes(at(15))], [[], ["battery"]]);
});

test("during a night a battery has to last until the wake-up time", () => {
  const battery = { ...BASE, percent: 80, empty_at_ns: (NIGHT_MS + 3_600_000) * 1e6 };
  const made = model({ battery });
  assert.deepEqual(codes(made), []);
  made.alarms = { ...made.alarms, night_ns: NIGHT_MS * 1e6 };
  assert.match(spaced(currentFaults(made, 0)[0]?.title ?? ""), /^Left foot: battery at 80 %, lasts until /);
  made.alarms = { ...made.alarms, wake_at: "00:00" };
  assert.deepEqual(codes(made), []);
});

test("a filling disk is shown for an hour after the notice", () => {
  assert.deepEqual(codes(model({}, { notices: [diskNotice(3_590_000)] })), ["disk"]);
  assert.deepEqual(codes(model({}, { notices: [diskNotice(3_600_001)] })), []);
});

test("what ends the monitoring at once comes first", () => {
  const made = model({ battery: { ...BASE, percent: 5, empty_at_ns: null } }, { notices: [diskNotice(0)] });
  assert.deepEqual(codes(made, 20_000), ["lost", "disk", "battery"]);
});
