import "./browser.de";

import assert from "node:assert/strict";
import { test } from "node:test";

import { text } from "../src/i18n";
import * as format from "../src/i18n/format";
import { language, locale } from "../src/i18n/language";
import { noticeText, problemText, reasonTexts } from "../src/i18n/server";
import { summary } from "../src/night/summary";
import { ticks } from "../src/night/ticks";
import { episode, episodeRow, night, spaced } from "./made";

const HOUR = 3_600_000;
const MIDNIGHT = Date.UTC(2026, 10, 20, 18, 40);

test("the browser's language decides", () => {
  assert.deepEqual([language, locale], ["de", "de-DE"]);
  assert.equal(text.common.kinds.cramp, "Wahrscheinlicher Krampf");
});

test("times and numbers are written the German way", () => {
  assert.equal(format.clock(MIDNIGHT + 7 * HOUR), "07:10");
  assert.equal(format.offset(MIDNIGHT), "UTC+05:30");
  assert.equal(spaced(format.duration(1250)), "1,3 s");
  assert.equal(spaced(format.fileSize(1.25e9)), "1,3 GB");
  assert.equal(format.axisFigure(1500), "1,5k");
  assert.equal(format.nightTitle("2026-11-20"), "Freitag, 20. November");
});

test("marks are at round local times even where the offset includes half an hour", () => {
  const labels = ticks(MIDNIGHT - HOUR, MIDNIGHT + HOUR, 200, 100).map(({ label }) => label);
  assert.deepEqual(labels, ["23:10", "00:10", "01:10"].map((label) => label.replace(":10", ":00")).slice(1));
});

test("what the server sends is translated by its code", () => {
  const why = [{ code: "built_up", number: 1.25 }, { code: "telepathy", number: null }, { code: "lasted", number: null }];
  const reasons = ["It built up over 1.2 s.", "It was telepathy.", "It lasted."];
  assert.deepEqual(reasonTexts(episode({ reasons, why })), ["Es baute sich über 1,3 s auf.", "It was telepathy.", "It lasted."]);
  const notice = { ...episode(), severity: "info", code: "sensor_back", text: "back", episode: null } as const;
  assert.equal(noticeText(notice, "Fußgewölbe links"), "Fußgewölbe links: Der Sensor ist wieder verbunden.");
  assert.equal(noticeText({ ...notice, code: "new" }, ""), "back");
  assert.equal(problemText("no_night", "There is no such night."), "Diese Nacht gibt es nicht.");
  assert.equal(problemText("not_now", "busy"), "Das geht gerade nicht (busy)");
  assert.equal(problemText(null, "busy"), "busy");
});

test("a night in one sentence", () => {
  assert.equal(
    spaced(summary(night({ episodes: [episodeRow()] }))),
    "1 wahrscheinlicher Krampf, 1 min 40 s um 03:30, Fußgewölbe links. Vollständig aufgezeichnet (1 h 0 min).",
  );
});
