/** Recordings, exports, replays and backups: the counterpart of `crampwatch/web/sessions/schema.py` and of the backups' API. */

import type { Origin } from "../schema";

export type Format = "edf" | "bdf" | "parquet" | "csv" | "npz";

export interface SessionRow {
  id: string;
  night: string | null;
  origin: Origin | null;
  from_ns: number;
  to_ns: number;
  utc_offset_s: number;
  size_octets: number;
  sensors: string[];
  state: "ended" | "recording" | "cut_short" | "unreadable" | "deleted";
  recorded_s: number | null;
  problem: string;
  purged_ns: number | null;
}

export interface SessionList {
  sessions: SessionRow[];
  free_octets: number | null;
  formats: Format[];
  can_replay: boolean;
}

export interface ExportJob {
  id: string;
  session: string;
  format: Format;
  state: "running" | "done" | "failed" | "cancelled";
  done: number;
  total: number | null;
  file: string;
  size_octets: number;
  annotations: string;
  error: string;
  code: string | null;
}

export interface ReplayState {
  state: "none" | "starting" | "running" | "ended";
  session: string;
  url: string;
  error: string;
}

export interface BackupRow {
  id: string;
  written_ns: number;
  size_octets: number;
  sessions: number | null;
  problem: string;
  code: string | null;
}

export interface BackupFindings {
  made_utc: string;
  version: string;
  files: number;
  sessions: number;
  absent: number;
  present: number;
  deleted: number;
  damaged: string[];
  with_episodes: boolean;
  brought_back: number;
}

export interface BackupJob {
  work: "make" | "check" | "restore";
  backup: string;
  state: "running" | "done" | "failed" | "cancelled";
  done: number;
  total: number | null;
  error: string;
  code: string | null;
  findings: BackupFindings | null;
}

export interface Backups {
  folder: string;
  backups: BackupRow[];
  most_octets: number;
  job: BackupJob | null;
}
