/** Made-up data for the tests. */

import { Model } from "../src/live/model";
import type { EpisodeRow, Night, NightSensor } from "../src/night/schema";
import type { Curve, Episode, SensorState, SensorUpdate, Update } from "../src/schema";

export const NIGHT_MS = Date.UTC(2026, 10, 20, 22, 0, 0);

/** Pack values as the server does: each becomes a multiple of `scale`, NaN becomes "no value". */
export function pack(values: number[], scale = 1): string {
  const view = new DataView(new ArrayBuffer(values.length * 2));
  values.forEach((value, i) => view.setInt16(2 * i, Number.isNaN(value) ? -32768 : Math.round(value / scale), true));
  return btoa(String.fromCharCode(...new Uint8Array(view.buffer)));
}

/** A curve of one channel with one field, unless `perStep` says otherwise. */
export function curve(at: number, values: number[], perStep = 1, scale = 1): Curve {
  return { at, n: values.length / perStep, scale, data: pack(values, scale) };
}

export function episode(changes: Partial<Episode> = {}): Episode {
  return {
    sensor: "cw-left",
    t_ns: NIGHT_MS * 1e6,
    origin: "live",
    id: "e1",
    revision: 0,
    status: "opened",
    kind: "cramp",
    session: "s1",
    onset_ns: NIGHT_MS * 1e6,
    offset_ns: null,
    channels: [0],
    confidence: 0.8,
    peak: 90,
    unit: "uV",
    reasons: [],
    ...changes,
  };
}

export function sensorState(changes: Partial<SensorState> = {}): SensorState {
  return { sensor: "cw-left", t_ns: NIGHT_MS * 1e6, origin: "live", state: "rest", session: "s1", quality: [[], []], ...changes };
}

export function sensorInfo(changes: Partial<NonNullable<SensorUpdate["info"]>> = {}): NonNullable<SensorUpdate["info"]> {
  return {
    sensor: "cw-left",
    t_ns: NIGHT_MS * 1e6,
    origin: "live",
    session: "s1",
    name: "CW-1",
    profile: "cws",
    streams: [{ stream: 0, kind: "emg", channels: 2, rate_hz: 1000, labels: ["Arch", ""] }],
    started_ns: NIGHT_MS * 1e6,
    ended_ns: null,
    placement: { side: "left", muscle: "arch" },
    firmware: "1",
    ...changes,
  };
}

/** A model with one sensor on the left foot that delivers data until now; `now` is 0. */
export function model(sensor: Partial<SensorUpdate> = {}, update: Update = {}): Model {
  const made = new Model();
  const complete: SensorUpdate = { origin: "live", channels: 2, newest_ns: NIGHT_MS * 1e6, silent_s: 0, info: sensorInfo(), ...sensor };
  made.replace({ version: "1", broker: true, sensors: { "cw-left": complete }, ...update }, 0);
  return made;
}

export function nightSensor(changes: Partial<NightSensor> = {}): NightSensor {
  return {
    sensor: "cw-left",
    name: "CW-1",
    side: "left",
    muscle: "arch",
    unit: "uV",
    rate_hz: 1000,
    channels: 2,
    labels: ["", ""],
    gaps_ns: [],
    temperature: [],
    recorded_s: 3600,
    has_signal: true,
    ...changes,
  };
}

export function episodeRow(changes: Partial<EpisodeRow> = {}): EpisodeRow {
  return {
    id: "e1",
    sensor: "cw-left",
    kind: "cramp",
    status: "final",
    onset_ns: NIGHT_MS * 1e6,
    offset_ns: (NIGHT_MS + 100_000) * 1e6,
    channels: [0],
    confidence: 0.8,
    peak: 90,
    unit: "uV",
    ...changes,
  };
}

/** A night of an hour, recorded without gaps. */
export function night(changes: Partial<Night> = {}): Night {
  return {
    night: "2026-11-20",
    origin: "live",
    from_ns: NIGHT_MS * 1e6,
    to_ns: (NIGHT_MS + 3_600_000) * 1e6,
    utc_offset_s: 3600,
    running: false,
    read: 1,
    recorded_s: 3600,
    said: null,
    sensors: [nightSensor()],
    episodes: [],
    problems: [],
    before: null,
    after: null,
    ...changes,
  };
}

/** With ordinary spaces where the page has some at which no line may break. */
export function spaced(text: string): string {
  return text.replace(/\u00a0/g, " ");
}
