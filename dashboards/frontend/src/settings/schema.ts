/** The state of the machine: the counterpart of `crampwatch/web/settings/system_report.py`. */

/** Where data is stored. */
export type PlaceName = "sessions" | "store" | "final" | "broker" | "logs" | "page";
export type StreamKind = "emg" | "temperature" | "acceleration" | "impedance";

export interface System {
  now_ns: number;
  utc_offset_s: number;
  versions: Record<string, string>;
  data: string;
  places: { what: PlaceName; path: string; octets: number | null }[];
  free_octets: number | null;
  octets_an_hour: number;
  /** Measured on recordings of this folder, for all sensors together; otherwise assumed, for one sensor. */
  is_measured: boolean;
  night_hours: number;
  nights: number | null;
  thresholds: Record<"onset_ratio" | "hold_ratio" | "least_peak_uv" | "least_cramp_uv" | "confirm_s" | "least_cramp_s" | "end_s", number>;
  is_guarded: boolean;
}

/** The thresholds, written out for a sentence. */
export type ThresholdText = Record<"onset" | "hold" | "peak" | "cramp" | "confirm" | "least" | "end", string>;
