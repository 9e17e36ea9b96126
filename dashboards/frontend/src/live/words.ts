/** What places, kinds and numbers are called. */

import { muscleOf } from "../muscles";
import { text } from "../strings";
import { decimals } from "../time";
import type { Sensor } from "./model";

/** "Left foot", or the sensor's own name where its side is not known. */
export function nameOf(sensor: Sensor): string {
  const side = sensor.info?.placement.side ?? "unknown";
  return side === "unknown" ? (sensor.info?.name ?? sensor.id) : text.sides[side];
}

/** "left arch", as in "Likely cramp, left arch". */
export function placeOf(sensor: Sensor | undefined, id: string): string {
  const placement = sensor?.info?.placement;
  if (!placement) return sensor?.info?.name ?? id;
  return text.placed(text.sideWords[placement.side], muscleWords(placement.muscle)) || nameOf(sensor);
}

/** "arch" for a muscle known by name, else what was written. */
export function muscleWords(written: string): string {
  const known = muscleOf(written);
  return known ? text.muscles[known] : written;
}

/** "left" where that says which sensor is meant, else as `placeOf`. */
export function shortPlaceOf(sensor: Sensor | undefined, id: string, all: Iterable<Sensor>): string {
  const side = sensor?.info?.placement.side ?? "unknown";
  const isOnly = [...all].filter((other) => other.info?.placement.side === side).length === 1;
  return side !== "unknown" && isOnly ? text.sideWords[side] : placeOf(sensor, id);
}

export function channelName(sensor: Sensor, channel: number): string {
  const labels = sensor.info?.streams.find((stream) => stream.kind === "emg")?.labels;
  return labels?.[channel] || text.channel(channel + 1);
}

export function seconds(samples: number, sensor: Sensor): string {
  const rate = sensor.info?.streams.find((stream) => stream.kind === "emg")?.rate_hz ?? 1000;
  return `${decimals(samples / rate, 1)} s`;
}
