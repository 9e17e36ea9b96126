/** What the page calls for that is on now, or was a moment ago: likely cramps, and other kinds where that is wanted. */

import type { Episode, Kind } from "../wire";
import type { Model, Sensor } from "./model";

/** How long the page goes on saying that a cramp has eased. */
const EASED_SHOWN_MS = 60_000;
/** How long a cramp that nobody saw end is shown after the signal was lost. */
const UNSEEN_SHOWN_MS = 600_000;

export interface Cramp {
  id: string;
  kind: Kind;
  sensorId: string;
  sensor: Sensor | undefined;
  onsetMs: number;
  /** Null while it lasts. */
  endMs: number | null;
  /** Present of its sensor's data, UTC milliseconds. */
  nowMs: number;
  /** Nothing can be said of the present: no data, or no clear signal. */
  isUnseen: boolean;
}

/** List them, oldest first. `now` is performance.now(). */
export function presentCramps(model: Model, now: number): Cramp[] {
  const { calls } = model.alarms;
  const found = [...model.episodes.values()]
    .filter((episode) => calls.includes(episode.kind) && episode.status !== "retracted")
    .map((episode) => fromEpisode(episode, model, now))
    .filter((cramp): cramp is Cramp => cramp !== null);
  if (!calls.includes("cramp")) return found.sort((a, b) => a.onsetMs - b.onsetMs);
  const told = new Set(found.filter((cramp) => cramp.endMs === null && cramp.kind === "cramp").map((cramp) => cramp.sensorId));
  for (const sensor of model.sensors.values())
    if (sensor.state?.state === "cramp" && !told.has(sensor.id) && !sensor.info?.ended_ns) {
      const onsetMs = sensor.state.t_ns / 1e6;
      found.push(cramp(`${sensor.id} ${onsetMs}`, "cramp", sensor.id, sensor, onsetMs, null, now));
    }
  return found.sort((a, b) => a.onsetMs - b.onsetMs);
}

function fromEpisode(episode: Episode, model: Model, now: number): Cramp | null {
  const sensor = model.sensors.get(episode.sensor);
  const endMs = episode.offset_ns === null ? null : episode.offset_ns / 1e6;
  if (endMs === null && isLeftOpen(episode, sensor, now)) return null;
  const found = cramp(episode.id, episode.kind, episode.sensor, sensor, episode.onset_ns / 1e6, endMs, now);
  const isOver = endMs !== null && (found.nowMs - endMs > EASED_SHOWN_MS || found.isUnseen);
  return isOver || episode.status === "final" ? null : found;
}

/** An episode nobody closed: its recording is over, or the detector has since said that the foot does something else. */
function isLeftOpen(episode: Episode, sensor: Sensor | undefined, now: number): boolean {
  if (!sensor || sensor.info?.ended_ns) return true;
  if (sensor.info && sensor.info.session !== episode.session) return true;
  const { state } = sensor;
  const isElse = state?.state === "rest" || state?.state === "active";
  return (isElse && state.t_ns > episode.t_ns) || (sensor.silenceMs(now) ?? Infinity) > UNSEEN_SHOWN_MS;
}

function cramp(
  id: string,
  kind: Kind,
  sensorId: string,
  sensor: Sensor | undefined,
  onsetMs: number,
  endMs: number | null,
  now: number,
): Cramp {
  const nowMs = sensor?.edgeMs(now) ?? onsetMs;
  const isClear = sensor?.state ? !["no_data", "poor_signal", "off_body"].includes(sensor.state.state) : true;
  const isUnseen = !isClear || (sensor?.isStale(now) ?? true);
  return { id, kind, sensorId, sensor, onsetMs, endMs, nowMs, isUnseen };
}
