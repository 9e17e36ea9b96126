/** The night in one or two sentences: likely cramps, how much was recorded, what else happened. */

import { text } from "../i18n";
import { countTexts, type KindCounts } from "../i18n/counts";
import { clock, duration, percentFloor } from "../i18n/format";
import { episodePlace, lengthMs } from "./names";
import type { Night } from "./schema";

/** Less than this missing is called complete: the last second is still on its way when a recording stops. */
const COMPLETE_WITHIN_MS = 1000;

/** "3 likely cramps, the longest 1 min 40 s at 03:12, left arch. 7 h 5 min of 7 h 40 min recorded (92 %)." */
export function summary(night: Night): string {
  const cramps = night.episodes.filter((episode) => episode.kind === "cramp" && episode.status !== "retracted");
  const undenied = cramps.filter((episode) => episode.label?.verdict !== "not_a_cramp");
  const longest = [...undenied].sort((a, b) => lengthMs(b, night) - lengthMs(a, night))[0];
  const denied = cramps.length - undenied.length;
  const found = longest
    ? text.night.cramps(undenied.length, duration(lengthMs(longest, night)), clock(longest.onset_ns / 1e6), episodePlace(night, longest))
    : text.night.noCramps;
  return [found, denied ? text.night.denied(denied) : "", night.read < 1 ? "" : recordedText(night)].filter(Boolean).join(" ");
}

/** How much of the night was recorded; of the night as the wearer started and ended it, if they did. */
function recordedText({ said, recorded_s, from_ns, to_ns }: Night): string {
  const { recorded, fullyRecorded, yourNight, yourNightSince, yoursRecorded, yoursFullyRecorded } = text.night;
  if (!said) {
    const [recordedMs, spanMs] = [recorded_s * 1000, (to_ns - from_ns) / 1e6];
    return isComplete(recordedMs, spanMs) ? fullyRecorded(duration(spanMs)) : recorded(...recordedParts(recordedMs, spanMs));
  }
  const [fromMs, toMs] = [said.from_ns / 1e6, (said.to_ns ?? to_ns) / 1e6];
  const [recordedMs, spanMs] = [said.recorded_s * 1000, toMs - fromMs];
  const span = said.to_ns === null ? yourNightSince(clock(fromMs)) : yourNight(clock(fromMs), clock(toMs));
  return `${span} ${isComplete(recordedMs, spanMs) ? yoursFullyRecorded : yoursRecorded(...recordedParts(recordedMs, spanMs))}`;
}

function isComplete(recordedMs: number, spanMs: number): boolean {
  return spanMs > 0 && spanMs - recordedMs < COMPLETE_WITHIN_MS;
}

function recordedParts(recordedMs: number, spanMs: number): [string, string, string] {
  return [duration(recordedMs), duration(spanMs), percentFloor(spanMs > 0 ? recordedMs / spanMs : 0)];
}

/** "Also 12 twitches, 3 movements, 1 withdrawn."; empty if there is nothing but likely cramps. */
export function otherEpisodes(night: Night): string {
  const counts: KindCounts = {};
  for (const episode of night.episodes) {
    const kind = episode.status === "retracted" ? "retracted" : episode.kind;
    if (kind !== "cramp") counts[kind] = (counts[kind] ?? 0) + 1;
  }
  const texts = countTexts(counts);
  return texts.length ? text.night.also(texts.join(", ")) : "";
}
