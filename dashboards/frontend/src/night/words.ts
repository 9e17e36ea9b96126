/** What places and channels of a night are called. */

import { muscleWords } from "../live/words";
import { text as shared } from "../strings";
import { clock, decimals } from "../time";
import { text } from "./text";
import type { EpisodeRow, Night, NightSensor } from "./wire";

/** "left arch", else the sensor's name. */
export function placeWords(sensor: NightSensor): string {
  return shared.placed(shared.sideWords[sensor.side], muscleWords(sensor.muscle)) || sensor.name;
}

export function placeOfEpisode(night: Night, episode: EpisodeRow): string {
  const sensor = night.sensors.find((one) => one.sensor === episode.sensor);
  return sensor ? placeWords(sensor) : episode.sensor;
}

/** "left" where that says which sensor is meant, else as `placeOfEpisode`. */
export function shortPlaceOfEpisode(night: Night, episode: EpisodeRow): string {
  const sensor = night.sensors.find((one) => one.sensor === episode.sensor);
  const isOnly = night.sensors.filter((one) => one.side === sensor?.side).length === 1;
  return sensor && sensor.side !== "unknown" && isOnly ? shared.sideWords[sensor.side] : placeOfEpisode(night, episode);
}

export function channelWords(sensor: NightSensor, channel: number): string {
  return sensor.labels[channel] || shared.channel(channel + 1);
}

/** "1 min 40 s", "7 h 05", "0.3 s". */
export function lasting(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${decimals(seconds, 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole / 60} min`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;
}

/** "3 likely cramps, longest 1 min 40 s at 03:12, left arch. Recorded 7 h 05 of 7 h 40." */
export function sentence(night: Night): string {
  const cramps = night.episodes.filter((episode) => episode.kind === "cramp" && episode.status !== "retracted");
  const kept = cramps.filter((episode) => episode.label?.verdict !== "not_a_cramp");
  const longest = [...kept].sort((a, b) => lengthMs(b, night) - lengthMs(a, night))[0];
  const found = longest
    ? text.cramps(kept.length, lasting(lengthMs(longest, night)), longest.onset_ns / 1e6, placeOfEpisode(night, longest))
    : text.noCramps;
  const recorded = night.read < 1 ? "" : ` ${recordedWords(night)}`;
  const denied = cramps.length - kept.length;
  return `${found}${denied ? ` ${text.denied(denied)}` : ""}${recorded}`;
}

/** "Recorded 7 h 05 of 7 h 40.", of the night as the wearer said it was where that is known. */
function recordedWords({ said, recorded_s, from_ns, to_ns }: Night): string {
  if (!said) return text.recorded(lasting(recorded_s * 1000), lasting((to_ns - from_ns) / 1e6));
  const [from, to] = [said.from_ns / 1e6, (said.to_ns ?? to_ns) / 1e6];
  const words = [lasting(said.recorded_s * 1000), lasting(to - from), clock(from)] as const;
  return said.to_ns === null ? text.recordedSince(...words) : text.recordedBetween(...words, clock(to));
}

/** "Also 12 twitches, 3 movements; 1 withdrawn." */
export function besides(night: Night): string {
  const counts = new Map<string, number>();
  for (const episode of night.episodes) {
    const kind = episode.status === "retracted" ? "retracted" : episode.kind;
    if (kind !== "cramp") counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const parts = Object.entries(shared.kindCounts).flatMap(([kind, [one, many]]) => {
    const count = counts.get(kind) ?? 0;
    return count ? [`${count} ${count === 1 ? one : many}`] : [];
  });
  return parts.length ? text.also(parts.join(", ")) : "";
}

export function lengthMs(episode: EpisodeRow, night: Night): number {
  return ((episode.offset_ns ?? night.to_ns) - episode.onset_ns) / 1e6;
}
