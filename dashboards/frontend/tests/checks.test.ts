import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { nextTime } from "../src/live/alarms";
import { runChecks, type Check, type CheckCode, type Device, type Machine } from "../src/live/checks";
import type { Model } from "../src/live/model";
import type { Battery, Link, Quality } from "../src/schema";
import { model, sensorInfo, sensorState, spaced } from "./made";

const DEVICE: Device = { sound: "tested", awake: "on" };
const MACHINE: Machine = { nights: 100, utc_offset_s: -new Date().getTimezoneOffset() * 60, aheadMs: 0 };
const BASE = { sensor: "cw-left", t_ns: 0, origin: "live" } as const;

function check(code: CheckCode, made: Model = model(), machine: Machine | null = MACHINE, device: Device = DEVICE, now = 0): Check {
  const found = runChecks(made, machine, device, now).find((one) => one.code === code);
  assert(found);
  return { ...found, text: spaced(found.text) };
}

function battery(percent: number, empty_at_ns: number | null): Battery {
  return { ...BASE, percent, empty_at_ns };
}

function link(rssi_dbm: number | null, connected = true): Link {
  return { ...BASE, connected, rssi_dbm, received_samples: 0, lost_samples: 0, backfilled_samples: 0, broken_frames: 0, reconnects: 0 };
}

test("every check has its place, in order", () => {
  const codes = runChecks(model(), MACHINE, DEVICE, 0).map(({ code }) => code);
  assert.deepEqual(codes, ["contact", "battery", "link", "recorder", "disk", "clock", "sound", "awake"]);
});

test("contact: none, silent, poor, still checking, good", () => {
  assert.equal(check("contact", model({ info: sensorInfo({ ended_ns: 1 }) })).text, "No sensor found yet.");
  assert.equal(check("contact", model(), MACHINE, DEVICE, 3001).text, "No data from Left foot.");
  for (const fault of ["lead_off", "rail", "flat"] satisfies Quality[])
    assert.equal(check("contact", model({ state: sensorState({ quality: [[], [fault]] }) })).level, "warn");
  assert.equal(check("contact", model({ state: sensorState({ quality: [["mains"], []] }) })).level, "good");
  assert.equal(check("contact", model({ state: sensorState({ state: "off_body" }) })).level, "warn");
  assert.deepEqual(check("contact"), { code: "contact", level: "wait", text: "Left foot: still checking…" });
});

test("battery: by its forecast where there is one", () => {
  const until = nextTime("07:00", Date.now());
  assert.equal(check("battery", model({ battery: battery(9, (until + 60_000) * 1e6) })).level, "good");
  assert.equal(check("battery", model({ battery: battery(90, (until - 60_000) * 1e6) })).level, "warn");
});

test("battery: half full is enough without a forecast", () => {
  assert.equal(check("battery", model({ battery: battery(50, null) })).text, "Left foot 50 %.");
  assert.equal(check("battery", model({ battery: battery(49, null) })).level, "warn");
  assert.equal(check("battery").level, "wait");
});

test("link: weak below -85 dBm, or not connected", () => {
  assert.equal(check("link", model({ link: link(-85) })).level, "good");
  assert.equal(check("link", model({ link: link(-86) })).level, "warn");
  assert.equal(check("link", model({ link: link(-50, false) })).level, "warn");
  assert.equal(check("link").level, "wait");
});

test("recorder: names what is not running", () => {
  const status = { ...BASE, online: false, service: "detector", version: "", detail: "" };
  assert.match(check("recorder", model({}, { services: { detector: status } })).text, /detector is not running/);
  assert.match(check("recorder", model({}, { broker: false })).text, /message broker/);
  assert.equal(check("recorder").level, "good");
});

test("disk: three nights are enough", () => {
  const disk = (nights: number | null): Check => check("disk", model(), { ...MACHINE, nights });
  assert.deepEqual([disk(3).level, disk(2).level, disk(null).level], ["good", "warn", "wait"]);
  assert.equal(disk(1).text, "Room for 1 night.");
  assert.equal(disk(0).text, "No room for a night. Free up space.");
  assert.equal(disk(999).text, "Room for 999 nights.");
  assert.equal(disk(1000).text, "Room for more than 999 nights.");
});

test("clock: five seconds apart are tolerated, either way", () => {
  const clock = (aheadMs: number): Check => check("clock", model(), { ...MACHINE, aheadMs });
  assert.match(clock(5000).text, /^In sync with the recorder \(/);
  assert.match(clock(-5001).text, /are 5 s apart/);
  assert.equal(clock(5001).level, "warn");
  assert.match(check("clock", model(), { ...MACHINE, utc_offset_s: 1 }).text, /another time zone/);
  assert.equal(check("clock", model(), null).level, "wait");
});

test("sound has to be tested; the screen is optional", () => {
  for (const sound of ["off", "blocked", "on"] as const)
    assert.equal(check("sound", model(), MACHINE, { ...DEVICE, sound }).level, "warn");
  assert.equal(check("sound").text, "On – test played.");
  assert.equal(check("awake", model(), MACHINE, { ...DEVICE, awake: "off" }).level, "optional");
  assert.equal(check("awake").level, "good");
});

test("the next seven o'clock is today before seven, and tomorrow from seven on", () => {
  const six = new Date(2026, 10, 20, 6, 0).getTime();
  assert.equal(nextTime("07:00", six), new Date(2026, 10, 20, 7, 0).getTime());
  assert.equal(nextTime("06:00", six), new Date(2026, 10, 21, 6, 0).getTime());
});

test("the night before the clocks change is an hour longer", () => {
  const evening = new Date(2026, 9, 24, 23, 0).getTime();
  assert.equal(nextTime("07:00", evening) - evening, 9 * 3_600_000);
});
