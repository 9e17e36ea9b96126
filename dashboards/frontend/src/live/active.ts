/**
 * Episodes that the page raises an alarm for: those that are on, and those that ended a moment ago.
 *
 * Episodes alone are not enough. The detector may die before it closes one, so an open episode counts as over once its
 * recording has ended, its sensor has started another one, or the detector has since reported another state. And the
 * page may have missed an opening, so a sensor whose state is "cramp" without an open episode is shown as well.
 */

import type { Episode, Kind, State } from "../schema";
import type { Model, Sensor } from "./model";

/** How long an ended episode stays on the page: time to read it, no more. */
const ENDED_SHOWN_MS = 60_000;
/** How long an open episode is shown after its signal was lost: it may still be on. */
const UNSEEN_SHOWN_MS = 600_000;
const UNCLEAR_STATES: readonly State[] = ["no_data", "poor_signal", "off_body"];

export interface ActiveEpisode {
  id: string;
  kind: Kind;
  sensorId: string;
  sensor: Sensor | undefined;
  onsetMs: number;
  /** Null while it lasts. */
  endMs: number | null;
  /** The current time of its sensor's data, UTC milliseconds. */
  nowMs: number;
  /** No data or no clear signal: whether it is still on cannot be seen. */
  isUnseen: boolean;
}

/** List them, oldest first. `now` is performance.now(). */
export function activeEpisodes(model: Model, now: number): ActiveEpisode[] {
  const { calls } = model.alarms;
  const found = [...model.episodes.values()]
    .filter((episode) => calls.includes(episode.kind) && episode.status !== "retracted")
    .map((episode) => fromEpisode(episode, model, now))
    .filter((active): active is ActiveEpisode => active !== null);
  if (calls.includes("cramp")) found.push(...fromStates(model, found, now));
  return found.sort((a, b) => a.onsetMs - b.onsetMs);
}

function fromEpisode(episode: Episode, model: Model, now: number): ActiveEpisode | null {
  const sensor = model.sensors.get(episode.sensor);
  const endMs = episode.offset_ns === null ? null : episode.offset_ns / 1e6;
  if (endMs === null && isLeftOpen(episode, sensor, now)) return null;
  const active = toActiveEpisode(episode.id, episode.kind, episode.sensor, sensor, episode.onset_ns / 1e6, endMs, now);
  const isOver = endMs !== null && (active.nowMs - endMs > ENDED_SHOWN_MS || active.isUnseen);
  return isOver || episode.status === "final" ? null : active;
}

/** Cramps known from a sensor's state alone. */
function fromStates(model: Model, found: ActiveEpisode[], now: number): ActiveEpisode[] {
  const open = new Set(found.filter(({ endMs, kind }) => endMs === null && kind === "cramp").map(({ sensorId }) => sensorId));
  return [...model.sensors.values()].flatMap((sensor) => {
    if (sensor.state?.state !== "cramp" || open.has(sensor.id) || sensor.info?.ended_ns) return [];
    const onsetMs = sensor.state.t_ns / 1e6;
    return [toActiveEpisode(`${sensor.id} ${onsetMs}`, "cramp", sensor.id, sensor, onsetMs, null, now)];
  });
}

/** Whether an open episode will never be closed. */
function isLeftOpen(episode: Episode, sensor: Sensor | undefined, now: number): boolean {
  if (!sensor || sensor.info?.ended_ns) return true;
  if (sensor.info && sensor.info.session !== episode.session) return true;
  const { state } = sensor;
  const isOtherState = state?.state === "rest" || state?.state === "active";
  return (isOtherState && state.t_ns > episode.t_ns) || (sensor.silenceMs(now) ?? Infinity) > UNSEEN_SHOWN_MS;
}

function toActiveEpisode(
  id: string,
  kind: Kind,
  sensorId: string,
  sensor: Sensor | undefined,
  onsetMs: number,
  endMs: number | null,
  now: number,
): ActiveEpisode {
  const nowMs = sensor?.edgeMs(now) ?? onsetMs;
  const isClear = sensor?.state ? !UNCLEAR_STATES.includes(sensor.state.state) : true;
  const isUnseen = !isClear || (sensor?.isStale(now) ?? true);
  return { id, kind, sensorId, sensor, onsetMs, endMs, nowMs, isUnseen };
}
