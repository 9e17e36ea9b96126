/** Nights as the server describes them: the counterpart of `crampwatch/web/night/model/schema.py`. */

import type { Episode, Kind, Origin, Side } from "../schema";

export type Verdict = "confirmed" | "not_a_cramp" | "unsure";
export type Help = "stretch" | "stand" | "massage" | "warmth" | "nothing" | "other";

/** The wearer's answers about an episode. */
export interface Label {
  verdict?: Verdict | null;
  pain?: number | null;
  woke?: boolean | null;
  helped?: Help[];
  note?: string;
  at_ns?: number;
}

export interface NightRow {
  night: string;
  origin: Origin;
  from_ns: number;
  to_ns: number;
  utc_offset_s: number;
  running: boolean;
  sensors: number;
  kinds: Partial<Record<Kind, number>>;
  longest_cramp_ns: number;
}

export interface NightSensor {
  sensor: string;
  name: string;
  side: Side;
  muscle: string;
  unit: "uV" | "relative";
  rate_hz: number;
  channels: number;
  labels: string[];
  /** Sections without a recording. */
  gaps_ns: [number, number][];
  /** Seconds since the start of the night, degrees Celsius. */
  temperature: [number, number][];
  recorded_s: number;
  has_signal: boolean;
}

export interface EpisodeRow {
  id: string;
  sensor: string;
  kind: Kind;
  status: Episode["status"];
  onset_ns: number;
  offset_ns: number | null;
  channels: number[];
  confidence: number;
  peak: number;
  unit: "uV" | "relative";
  label?: Label;
}

export interface Night {
  night: string;
  origin: Origin;
  from_ns: number;
  to_ns: number;
  utc_offset_s: number;
  running: boolean;
  /** The share of the recordings read so far, 0 to 1. */
  read: number;
  recorded_s: number;
  /** The night as the wearer started and ended it; `to_ns` is null until it is ended. */
  said: { from_ns: number; to_ns: number | null; recorded_s: number } | null;
  sensors: NightSensor[];
  episodes: EpisodeRow[];
  /** Why recordings could not be read: "deleted", or English. */
  problems: string[];
  before: string | null;
  after: string | null;
}

/** Little-endian int16 in base64, [step][channel][field]. */
export interface Packed {
  from_ns: number;
  step_ns: number;
  n: number;
  channels: number;
  fields: number;
  scale: number;
  data: string;
}

export interface SignalAnswer {
  wave: Packed;
  envelope: Packed;
  is_samples: boolean;
}

export interface SpectrumAnswer {
  from_ns: number;
  step_s: number;
  columns: number;
  rows: number;
  top_hz: number;
  strongest_db: number;
  range_db: number;
  data: string;
}

export interface EpisodeDetail {
  episode: Episode;
  live: Episode | null;
  label: Label;
  envelope_mean: number | null;
  floor: number | null;
  threshold: number | null;
  median_hz: number | null;
}
