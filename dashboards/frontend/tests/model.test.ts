import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { Model } from "../src/live/model";
import type { Notice, SensorUpdate } from "../src/schema";
import { curve, episode, model, NIGHT_MS, sensorInfo } from "./made";

const SENSOR: SensorUpdate = { origin: "live", channels: 1 };

function notice(t_ns: number): Notice {
  return { sensor: "cw-left", t_ns, origin: "live", id: `n${t_ns}`, severity: "info", code: "lead_off", text: "", episode: null };
}

function left(made: Model): NonNullable<ReturnType<Model["sensors"]["get"]>> {
  const sensor = made.sensors.get("cw-left");
  assert(sensor);
  return sensor;
}

test("data is current for three seconds", () => {
  const sensor = left(model());
  assert.equal(sensor.isStale(3000), false);
  assert.equal(sensor.isStale(3001), true);
});

test("a sensor that never sent samples is stale", () => {
  const sensor = left(model({ silent_s: null, newest_ns: null }));
  assert.equal(sensor.silenceMs(0), null);
  assert.equal(sensor.isStale(0), true);
  assert.equal(sensor.edgeMs(0), null);
});

test("a page opened during a silence knows how long it lasts", () => {
  assert.equal(left(model({ silent_s: 42 })).silenceMs(500), 42_500);
});

test("the edge stays for a second, then moves on through a silence", () => {
  const sensor = left(model());
  assert.equal(sensor.edgeMs(1000), NIGHT_MS);
  assert.equal(sensor.edgeMs(1001), NIGHT_MS + 1001);
});

test("an update changes only what it names", () => {
  const made = model({ unit: "uV" });
  made.apply({ sensors: { "cw-left": { origin: "live", channels: 2, newest_ns: (NIGHT_MS + 100) * 1e6 } } }, 5);
  assert.equal(left(made).info?.name, "CW-1");
  assert.equal(left(made).unit, "uV");
  assert.equal(left(made).newestMs, NIGHT_MS + 100);
  assert.equal(made.version, "1");
  assert.equal(made.broker, true);
});

test("a snapshot removes what it does not hold", () => {
  const made = model({}, { episodes: [episode()], notices: [notice(1)], counts: { cramp: 1 } });
  made.replace({ sensors: { other: SENSOR } }, 0);
  assert.deepEqual([...made.sensors.keys()], ["other"]);
  assert.equal(made.episodes.size, 0);
  assert.deepEqual([made.notices, made.counts], [[], {}]);
});

test("the model is ready with the first snapshot", async () => {
  const made = new Model();
  made.apply({}, 0);
  assert.equal(made.isReady, false);
  made.replace({}, 0);
  await made.ready;
  assert.equal(made.isReady, true);
});

test("curves stay until a reset or another number of channels", () => {
  const made = model();
  made.replace({ sensors: { "cw-left": { ...SENSOR, coarse: [curve(5, [-1, 1], 2)] } } }, 0);
  made.apply({ sensors: { "cw-left": { ...SENSOR, coarse: [curve(6, [-2, 2], 2)] } } }, 0);
  assert.deepEqual([left(made).coarse.at(5, 0, 1), left(made).coarse.at(6, 0, 1)], [1, 2]);
  made.apply({ sensors: { "cw-left": { ...SENSOR, reset: true } } }, 0);
  assert.equal(left(made).coarse.at(6, 0, 1), NaN);
  made.apply({ sensors: { "cw-left": { origin: "live", channels: 2 } } }, 0);
  assert.equal(left(made).channels, 2);
});

test("the left foot comes before the right one, and ended recordings come last", () => {
  const made = model();
  const at = (side: "left" | "right", ended_ns: number | null): SensorUpdate => ({
    ...SENSOR,
    info: sensorInfo({ placement: { side, muscle: "" }, ended_ns }),
  });
  made.replace({ sensors: { a: at("left", 1), b: at("right", null), c: at("left", null), d: at("left", null) } }, 0);
  assert.deepEqual(made.orderedSensors().map(({ id }) => id), ["c", "d", "b", "a"]);
});

test("a new night forgets the episodes that ended before it", () => {
  const ended = (id: string, atMs: number): ReturnType<typeof episode> => episode({ id, onset_ns: (atMs - 1000) * 1e6, offset_ns: atMs * 1e6 });
  const made = model({}, { episodes: [ended("before", NIGHT_MS - 1), ended("across", NIGHT_MS), ended("after", NIGHT_MS + 1)] });
  made.apply({ night_ns: NIGHT_MS * 1e6 }, 0);
  assert.deepEqual([...made.episodes.keys()], ["across", "after"]);
});

test("a revision replaces its episode", () => {
  const made = model({}, { episodes: [episode()] });
  made.apply({ episodes: [episode({ revision: 1, kind: "twitch" })] }, 0);
  assert.deepEqual([...made.episodes.values()].map(({ kind }) => kind), ["twitch"]);
});

test("the newest five hundred episodes and thirty notices are kept", () => {
  const episodes = Array.from({ length: 501 }, (_, i) => episode({ id: String(i), onset_ns: i }));
  const made = model({}, { episodes, notices: Array.from({ length: 31 }, (_, i) => notice(31 - i)) });
  assert.equal(made.episodes.size, 500);
  assert(!made.episodes.has("0"));
  assert.equal(made.notices.length, 30);
  assert.deepEqual([made.notices[0]?.t_ns, made.notices[29]?.t_ns], [2, 31]);
  assert.equal(made.newestEpisodes()[0]?.id, "500");
});

test("empty counts do not erase the counts of the night", () => {
  const made = model({}, { counts: { twitch: 2 } });
  made.apply({ counts: {} }, 0);
  assert.deepEqual(made.counts, { twitch: 2 });
});
