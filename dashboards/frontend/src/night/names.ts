/** Names of places and channels of a night, and how long its episodes were. */

import { text } from "../i18n";
import { muscleName } from "../live/names";
import type { EpisodeRow, Night, NightSensor } from "./schema";

/** "left arch", else the sensor's name. */
export function placeName(sensor: NightSensor): string {
  return text.common.place(text.common.sides[sensor.side], muscleName(sensor.muscle)) || sensor.name;
}

export function episodePlace(night: Night, episode: EpisodeRow): string {
  const sensor = sensorOf(night, episode);
  return sensor ? placeName(sensor) : episode.sensor;
}

/** "left" if that is enough to tell the sensor from the others, else as `episodePlace`. */
export function shortEpisodePlace(night: Night, episode: EpisodeRow): string {
  const sensor = sensorOf(night, episode);
  const isOnly = night.sensors.filter((one) => one.side === sensor?.side).length === 1;
  return sensor && sensor.side !== "unknown" && isOnly ? text.common.sides[sensor.side] : episodePlace(night, episode);
}

export function channelName(sensor: NightSensor, channel: number): string {
  return sensor.labels[channel] || text.common.channel(channel + 1);
}

/** Length of an episode; one that was never closed lasts until the night ends. */
export function lengthMs(episode: EpisodeRow, night: Night): number {
  return ((episode.offset_ns ?? night.to_ns) - episode.onset_ns) / 1e6;
}

export function sensorOf(night: Night, { sensor }: { sensor: string }): NightSensor | undefined {
  return night.sensors.find((one) => one.sensor === sensor);
}
