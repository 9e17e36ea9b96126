import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { channelName, placeName, samplesDuration, sensorName, shortPlaceName } from "../src/live/names";
import { Sensor } from "../src/live/model";
import { muscleOf } from "../src/muscles";
import { shortEpisodePlace } from "../src/night/names";
import { linkTo } from "../src/router";
import type { Side } from "../src/schema";
import { episodeRow, night, nightSensor, sensorInfo, spaced } from "./made";

function sensor(side: Side, muscle: string): Sensor {
  const made = new Sensor("cw-1");
  made.info = sensorInfo({ placement: { side, muscle } });
  return made;
}

test("muscles are recognised by their Latin name and by common words", () => {
  assert.equal(muscleOf("Soleus"), "soleus");
  assert.equal(muscleOf("left arch"), "abductor hallucis");
  assert.equal(muscleOf("calf"), "gastrocnemius");
  assert.equal(muscleOf("lower calf"), "soleus");
  assert.equal(muscleOf("ear"), null);
});

test("a place is a side and a muscle, as far as they are known", () => {
  assert.equal(placeName(sensor("left", "Abductor hallucis"), "cw-1"), "left arch");
  assert.equal(placeName(sensor("unknown", "my ear"), "cw-1"), "my ear");
  assert.equal(placeName(sensor("unknown", ""), "cw-1"), "CW-1");
  assert.equal(placeName(undefined, "cw-1"), "cw-1");
});

test("a sensor is called by its foot, else by its name, else by its id", () => {
  assert.equal(sensorName(sensor("right", "")), "Right foot");
  assert.equal(sensorName(sensor("unknown", "")), "CW-1");
  assert.equal(sensorName(new Sensor("cw-9")), "cw-9");
});

test("the side alone is enough for the only sensor on it", () => {
  const [one, other] = [sensor("left", "arch"), sensor("left", "calf")];
  assert.equal(shortPlaceName(one, "cw-1", [one]), "left");
  assert.equal(shortPlaceName(one, "cw-1", [one, other]), "left arch");
  const two = night({ sensors: [nightSensor(), nightSensor({ sensor: "cw-2", muscle: "calf" })] });
  assert.equal(shortEpisodePlace(night(), episodeRow()), "left");
  assert.equal(shortEpisodePlace(two, episodeRow()), "left arch");
});

test("a channel is called by its label, else by its number", () => {
  assert.equal(channelName(sensor("left", ""), 0), "Arch");
  assert.equal(channelName(sensor("left", ""), 1), "Channel 2");
});

test("lost samples are shown as time", () => {
  assert.equal(spaced(samplesDuration(500, sensor("left", ""))), "0.5 s");
  assert.equal(spaced(samplesDuration(2000, new Sensor("cw-9"))), "2.0 s");
});

test("a link holds what is given, safely written", () => {
  assert.equal(linkTo(["night", "demo.2026-11-20"], { episode: "a b", none: null }), "#/night/demo.2026-11-20?episode=a+b");
  assert.equal(linkTo(["a/b"]), "#/a%2Fb");
});
