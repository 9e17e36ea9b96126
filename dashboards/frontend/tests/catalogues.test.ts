import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { de } from "../src/i18n/de";
import { login as deLogin } from "../src/i18n/de/login";
import server from "../src/i18n/de/server.json";
import { en } from "../src/i18n/en";
import { login as enLogin } from "../src/i18n/en/login";
import type { ThresholdText } from "../src/settings/schema";

/** The one text that is given an object. */
const THRESHOLDS: ThresholdText = { onset: "2", hold: "1.4", peak: "5", cramp: "10", confirm: "3", least: "6", end: "2" };

type Leaf = string | ((...values: never[]) => unknown);

/** Every text by its path; functions get numbers and words that show in what they return. */
function texts(catalogue: object, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(catalogue) as [string, Leaf | object][])
    if (typeof value === "object") for (const [inner, text] of texts(value, `${path}${key}.`)) found.set(inner, text);
    else if (typeof value === "string") found.set(path + key, value);
    else for (const count of [0, 1, 2]) found.set(`${path}${key}(${count})`, String(call(key, value, count)));
  return found;
}

function call(key: string, text: (...values: never[]) => unknown, count: number): unknown {
  const value = key === "thresholds" ? THRESHOLDS : count;
  return text(...(Array.from({ length: text.length }, () => value) as never[]));
}

const english = texts({ ...en, login: enLogin });
const german = texts({ ...de, login: deLogin });

test("both languages have the same texts", () => {
  assert.deepEqual([...german.keys()].sort(), [...english.keys()].sort());
});

test("no text is empty in one language only", () => {
  for (const [key, text] of english) assert.equal(german.get(key) === "", text === "", key);
});

test("no text holds an undefined value or a hole", () => {
  for (const catalogue of [english, german]) for (const [key, text] of catalogue) assert(!/undefined|NaN|\[object| {2}/.test(text), `${key}: ${text}`);
});

test("'likely' stays in every language", () => {
  for (const [key, text] of english)
    if (/likely/i.test(text)) assert.match(german.get(key) ?? "", /wahrscheinlich/i, `${key}: ${text}`);
    else assert(!/wahrscheinlich/i.test(german.get(key) ?? ""), `${key}: ${text}`);
});

test("German names no cramp without 'wahrscheinlich' where English says 'likely cramp'", () => {
  for (const [key, text] of english)
    if (/likely cramp/i.test(text)) assert.match(german.get(key) ?? "", /wahrscheinliche\w* Kr[aä]mpf/i, key);
});

test("one is singular, others are plural", () => {
  const counts = [0, 1, 2].map((count) => en.bedtime.toCheck(count));
  assert.deepEqual(counts, ["0 things to check", "1 thing to check", "2 things to check"]);
  assert.deepEqual([1, 2].map((count) => de.common.kindCounts.twitch(count)), ["1 Zuckung", "2 Zuckungen"]);
  for (const [key, text] of english) if (key.endsWith("(1)") && key !== "settings.nightTakes(1)") assert(!/\b1 (likely )?\w+s\b/.test(text), `${key}: ${text}`);
});

test("German typography: low quotes and a space before the ellipsis", () => {
  for (const [key, text] of [...german, ...texts(server)]) {
    assert(!text.includes("“") || text.includes("„"), `${key}: ${text}`);
    assert(!/\S…/.test(text), `${key}: ${text}`);
  }
});
