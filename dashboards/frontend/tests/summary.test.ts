import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { otherEpisodes, summary } from "../src/night/summary";
import type { Night } from "../src/night/schema";
import { episodeRow, night, NIGHT_MS, spaced } from "./made";

function summed(changes: Partial<Night> = {}): string {
  return spaced(summary(night(changes)));
}

/** A night that the wearer started at its beginning and ended after ten minutes. */
function yours(recorded_s: number, to_ns: number | null = (NIGHT_MS + 600_000) * 1e6): string {
  return summed({ said: { from_ns: NIGHT_MS * 1e6, to_ns, recorded_s } });
}

test("a night without likely cramps says so", () => {
  assert.equal(summed(), "No likely cramps. Fully recorded (1 h 0 min).");
});

test("the longest likely cramp is named", () => {
  const short = episodeRow({ id: "short", offset_ns: (NIGHT_MS + 12_000) * 1e6 });
  assert.match(summed({ episodes: [short] }), /^1 likely cramp, 12 s at 11:00 PM, left arch\./);
  assert.match(summed({ episodes: [short, episodeRow()] }), /^2 likely cramps, the longest 1 min 40 s at 11:00 PM, left arch\./);
});

test("withdrawn ones do not count, and denied ones are counted apart", () => {
  assert.match(summed({ episodes: [episodeRow({ status: "retracted" })] }), /^No likely cramps\./);
  assert.match(summed({ episodes: [episodeRow({ label: { verdict: "not_a_cramp" } })] }), /^No likely cramps\. 1 marked as not a cramp\./);
});

test("a cramp that was never closed lasts until the night ends", () => {
  assert.match(summed({ episodes: [episodeRow({ offset_ns: null })] }), /^1 likely cramp, 1 h 0 min at/);
});

test("less than a second missing is complete", () => {
  assert.match(summed({ recorded_s: 3599.001 }), /Fully recorded \(1 h 0 min\)\.$/);
  assert.match(summed({ recorded_s: 3599 }), /59 min 59 s of 1 h 0 min recorded \(99 %\)\.$/);
});

test("how much was recorded is open until everything has been read", () => {
  assert.equal(summed({ read: 0.99 }), "No likely cramps.");
});

test("your own night is named by its times", () => {
  assert.match(yours(600), /Your night 11:00 PM–11:10 PM: fully recorded\.$/);
  assert.match(yours(300), /Your night 11:00 PM–11:10 PM: 5 min of 10 min recorded \(50 %\)\.$/);
  assert.match(yours(1800, null), /Your night since 11:00 PM: 30 min of 1 h 0 min recorded \(50 %\)\.$/);
});

test("other episodes are counted by kind", () => {
  assert.equal(otherEpisodes(night({ episodes: [episodeRow()] })), "");
  const kinds = ["twitch", "twitch", "movement", "artefact"] as const;
  const episodes = [...kinds.map((kind) => episodeRow({ kind })), episodeRow({ status: "retracted" })];
  assert.equal(otherEpisodes(night({ episodes })), "Also 2 twitches, 1 movement, 1 noisy section, 1 withdrawn.");
});
