/** Names of sensors, places and channels as the page shows them. */

import { text } from "../i18n";
import { seconds } from "../i18n/format";
import { muscleOf } from "../muscles";
import type { Sensor } from "./model";

/** For sensors whose stream is not described yet. */
const DEFAULT_RATE_HZ = 1000;

/** "Left foot", or the sensor's own name if its side is not known. */
export function sensorName(sensor: Sensor): string {
  const side = sensor.info?.placement.side ?? "unknown";
  return side === "unknown" ? (sensor.info?.name ?? sensor.id) : text.common.feet[side];
}

/** "left arch", as in "Likely cramp, left arch". */
export function placeName(sensor: Sensor | undefined, id: string): string {
  const placement = sensor?.info?.placement;
  if (!placement) return sensor?.info?.name ?? id;
  return text.common.place(text.common.sides[placement.side], muscleName(placement.muscle)) || sensorName(sensor);
}

/** "arch" for a muscle with a common name, else as it was written. */
export function muscleName(written: string): string {
  const muscle = muscleOf(written);
  return muscle ? text.common.muscles[muscle] : written;
}

/** "left" if that is enough to tell the sensor from the others, else its `placeName`. */
export function shortPlaceName(sensor: Sensor | undefined, id: string, all: Iterable<Sensor>): string {
  const side = sensor?.info?.placement.side ?? "unknown";
  const isOnly = [...all].filter((other) => other.info?.placement.side === side).length === 1;
  return side !== "unknown" && isOnly ? text.common.sides[side] : placeName(sensor, id);
}

export function channelName(sensor: Sensor, channel: number): string {
  const labels = emgStream(sensor)?.labels;
  return labels?.[channel] || text.common.channel(channel + 1);
}

/** How long so many samples of a sensor last: "3.2 s". */
export function samplesDuration(samples: number, sensor: Sensor): string {
  const rateHz = emgStream(sensor)?.rate_hz ?? DEFAULT_RATE_HZ;
  return seconds((samples / rateHz) * 1000, 1);
}

function emgStream({ info }: Sensor): { labels: string[]; rate_hz: number } | undefined {
  return info?.streams.find((stream) => stream.kind === "emg");
}
