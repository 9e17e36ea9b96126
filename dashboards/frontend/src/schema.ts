/** The server's live updates: the counterpart of `crampwatch/web/live/schema.py`; messages as in docs/messages.md. */

export type Origin = "live" | "demo" | "replay";
/** Services that report their status. */
export type Service = "collector" | "detector" | "store" | "web";
export type Side = "left" | "right" | "unknown";
export type Kind = "cramp" | "twitch" | "leg_movement" | "movement" | "rhythmic" | "artefact";
export type State = "rest" | "active" | "cramp" | "poor_signal" | "off_body" | "no_data";
export type Quality =
  | "lead_off"
  | "rail"
  | "clipped"
  | "coarse_lsb"
  | "mains"
  | "motion"
  | "flat"
  | "no_data"
  | "narrow_band";

interface Message {
  sensor: string;
  t_ns: number;
  origin: Origin;
}

export interface ServiceStatus extends Message {
  online: boolean;
  service: string;
  version: string;
  detail: string;
}

export interface SensorInfo extends Message {
  session: string;
  name: string;
  profile: string;
  streams: { stream: number; kind: string; channels: number; rate_hz: number; labels: string[] }[];
  started_ns: number;
  ended_ns: number | null;
  placement: { side: Side; muscle: string };
  firmware: string;
}

export interface SensorState extends Message {
  state: State;
  session: string;
  quality: Quality[][];
}

export interface Temperature extends Message {
  celsius: number | null;
}

export interface Battery extends Message {
  percent: number;
  empty_at_ns: number | null;
}

export interface Link extends Message {
  connected: boolean;
  rssi_dbm: number | null;
  received_samples: number;
  lost_samples: number;
  backfilled_samples: number;
  broken_frames: number;
  reconnects: number;
}

export interface Episode extends Message {
  id: string;
  revision: number;
  status: "opened" | "updated" | "closed" | "final" | "retracted";
  kind: Kind;
  session: string;
  onset_ns: number;
  offset_ns: number | null;
  channels: number[];
  confidence: number;
  peak: number;
  unit: "uV" | "relative";
  reasons: string[];
  /** The reasons by code; missing in messages of older detectors. */
  why?: { code: string; number: number | null }[];
}

export interface Notice extends Message {
  id: string;
  severity: "info" | "warning" | "alarm";
  code: string;
  text: string;
  episode: string | null;
}

/** A packed section of a curve: little-endian int16 in base64, [step][channel][field]. */
export interface Curve {
  at: number;
  n: number;
  scale: number;
  data: string;
}

export interface SensorUpdate {
  origin: Origin;
  channels?: number;
  unit?: "uV" | "relative" | "";
  newest_ns?: number | null;
  silent_s?: number | null;
  reset?: boolean;
  status?: ServiceStatus;
  info?: SensorInfo;
  state?: SensorState;
  temperature?: Temperature;
  battery?: Battery;
  link?: Link;
  fine?: Curve[];
  coarse?: Curve[];
  features?: Curve[];
}

/** Alarm settings and acknowledgements; the server stores them, so they are the same on every device. */
export interface AlarmState {
  /** End of each snooze, UTC nanoseconds. */
  snoozed: Partial<Record<Kind, number>>;
  /** Ids of episodes. */
  acknowledged: string[];
  /** Kinds that raise an alarm. */
  calls: Kind[];
  /** When "Start the night" was pressed, UTC nanoseconds; null outside a night. */
  night_ns: number | null;
  /** HH:MM, local. */
  wake_at: string;
}

/** A snapshot after each connection, then what has changed since the last update. */
export interface Update {
  version?: string;
  broker?: boolean | null;
  night_ns?: number;
  sensors?: Record<string, SensorUpdate>;
  services?: Record<string, ServiceStatus>;
  episodes?: Episode[];
  notices?: Notice[];
  counts?: Partial<Record<Kind | "retracted", number>>;
  alarms?: AlarmState;
}
