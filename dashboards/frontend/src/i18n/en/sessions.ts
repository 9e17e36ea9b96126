/** The list of recordings: export, replay, delete, restore. */

import type { Origin } from "../../schema";
import type { Format, SessionRow } from "../../sessions/schema";
import { counted } from "../plural";

export const sessions = {
  title: "Sessions",
  none: "Nothing recorded yet",
  noneHint: "Each recording appears here as a session, with its size and how complete it is.",
  failed: "Can't list the recordings right now. Retrying…",
  total: (count: number, size: string): string => `${counted(count, "recording", "recordings")}, ${size}`,
  free: (size: string): string => `${size} free on this disk`,
  filter: "Show",
  filters: { all: "All", live: "Real nights", demo: "Simulated", replay: "Replays" } satisfies Record<Origin | "all", string>,
  noneOfThese: "None of these.",
  origins: { live: "Real night", demo: "Simulated", replay: "Replay" } satisfies Record<Origin, string>,
  states: {
    ended: "",
    recording: "recording now",
    cut_short: "interrupted",
    unreadable: "cannot be read",
    deleted: "deleted",
  } satisfies Record<SessionRow["state"], string>,
  coverage: (percent: string): string => `${percent} recorded`,
  checking: "checking…",
  sensors: (count: number): string => counted(count, "sensor", "sensors"),
  actions: (session: string): string => `Actions for ${session}`,

  export: "Export",
  exportAs: "Export as",
  formats: {
    edf: "EDF+ (for most programs, with annotations)",
    bdf: "BDF+ (24 bit, with annotations)",
    parquet: "Parquet (for data frames, with annotations)",
    csv: "CSV (for spreadsheets)",
    npz: "NumPy (for Python)",
  } satisfies Record<Format, string>,
  sensor: "Sensor",
  exporting: (file: string): string => `Exporting ${file}…`,
  exported: (file: string, size: string): string => `${file}, ${size}`,
  exportFailed: (why: string): string => `Export failed: ${why}`,
  download: "Download",
  downloadEpisodes: "Download episodes",

  replay: "Replay",
  replayStarting: "The replay is starting…",
  replayRunning: "A recording is being played back.",
  replayWatch: "Watch",
  replayStop: "Stop",
  replayFailed: (why: string): string => `The replay stopped: ${why}`,
  replayFinished: "The replay has finished.",

  delete: "Delete",
  deleted: (session: string, until: string): string => `Deleted: ${session}. You can restore it until ${until}.`,
  undo: "Undo",
  restore: "Restore",
  trash: (count: number): string => `Deleted (${count})`,
  trashHint: "Results from a deleted recording stay in its night. The recording itself is deleted permanently after a month.",
  until: (day: string): string => `until ${day}`,
};
