/** Backups, below the list of recordings. */

import type { BackupJob } from "../../sessions/schema";
import { counted } from "../plural";

type Work = BackupJob["work"];

export const backups = {
  title: "Backups",
  hint: "One file with all your real nights, results, notes, settings and keys. Contains secrets\u00a0– store it somewhere private.",
  place: (folder: string): string => `Stored in ${folder}. Download a copy to another disk to be safe.`,
  make: "Back up now",
  add: "Add a backup file…",
  uploading: (file: string): string => `Uploading ${file}…`,
  notUploaded: "Upload interrupted. Try again.",
  download: "Download",
  check: "Check",
  restore: "Restore…",
  recordings: (count: number): string => counted(count, "recording", "recordings"),
  working: {
    make: "Backing up. Recording continues meanwhile.",
    check: "Checking the backup…",
    restore: "Restoring recordings. Recording continues meanwhile.",
  } satisfies Record<Work, string>,
  workFailed: {
    make: (why: string): string => `Backup failed: ${why}`,
    check: (why: string): string => `This backup can't be used: ${why}`,
    restore: (why: string): string => `The restore did not finish: ${why}`,
  } satisfies Record<Work, (why: string) => string>,
  made: "Backup complete.",
  intact: (files: number, sessions: number): string =>
    `Backup OK: ${counted(files, "file", "files")}, ${counted(sessions, "recording", "recordings")}.`,
  missingHere: (count: number): string =>
    `${counted(count, "recording is", "recordings are")} missing here and can be restored.`,
  nothingMissing: "Everything in it is already here.",
  present: (count: number): string => `${counted(count, "recording is", "recordings are")} already here.`,
  deleted: (count: number): string =>
    `${counted(count, "recording was", "recordings were")} deleted here: restore ${count === 1 ? "it" : "them"} under “Deleted”.`,
  damaged: (names: string): string => `Kept as is, but can't be opened: ${names}.`,
  restored: (count: number): string => (count ? `${counted(count, "recording", "recordings")} restored.` : "Nothing was missing."),
  restoreTitle: "Restore what is missing?",
  willRestore: (count: number): string => `${counted(count, "recording", "recordings")} will be restored, with results and notes.`,
  willRestoreBare: (count: number): string =>
    `${counted(count, "recording", "recordings")} will be restored, without results: “crampwatch backfill-store” recreates those.`,
  nothingChanges: "Nothing here is changed or removed, and recording continues. If interrupted, start it again: what was restored stays.",
  settingsStay: "Settings, names and keys stay as they are here. To move everything to a new machine, run “crampwatch restore” there.",
  restoreNow: "Restore",
  removeTitle: (name: string): string => `Remove the backup of ${name}?`,
  removeHint: "The file is deleted permanently. Recordings are not affected.",
};
