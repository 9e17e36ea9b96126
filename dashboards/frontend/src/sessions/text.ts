/** Every word of the list of recordings. */

import { inLanguage, locale } from "../language";
import type { Format, SessionRow } from "./wire";

const BEGAN = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long" });
const NUMBER = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });

export const en = {
  title: "Sessions",
  none: "Nothing recorded yet",
  noneHint: "Each recording appears here as a session, with its size and how complete it is.",
  failed: "The recordings cannot be listed now. Trying again…",
  total: (count: number, size: string): string => `${count} ${count === 1 ? "recording" : "recordings"}, ${size}`,
  free: (size: string): string => `${size} free on this disk`,
  filter: "Show",
  filters: { all: "All", live: "Real nights", demo: "Simulated", replay: "Replays" },
  noneOfThese: "None of these.",
  origins: { live: "Real night", demo: "Simulated", replay: "Replay" },
  states: {
    ended: "",
    recording: "recording now",
    cut_short: "cut short: it did not end in order",
    unreadable: "cannot be read",
    deleted: "deleted",
  } satisfies Record<SessionRow["state"], string>,
  coverage: (percent: string): string => `${percent} recorded`,
  unread: "not read yet",
  sensors: (count: number): string => `${count} ${count === 1 ? "sensor" : "sensors"}`,
  open: "Open the night",
  export: "Export",
  exportAs: "Export as",
  formats: {
    edf: "EDF+ (for most programs, with annotations)",
    bdf: "BDF+ (24 bit, with annotations)",
    csv: "CSV (for spreadsheets)",
    npz: "NumPy (for Python)",
  } satisfies Record<Format, string>,
  sensor: "Sensor",
  start: "Write it",
  exporting: (file: string): string => `Writing ${file}…`,
  exported: (file: string, size: string): string => `${file}, ${size}`,
  fetch: "Save",
  cancel: "Cancel",
  remove: "Remove",
  exportFailed: (why: string): string => `The export failed: ${why}`,
  backup: "Save a copy",
  replay: "Replay",
  replayStarting: "The replay is starting…",
  replayRunning: "A recording is played.",
  replayFollow: "Follow it",
  replayEnd: "End it",
  replayEnded: (why: string): string => (why ? `The replay ended: ${why}` : "The replay has ended."),
  delete: "Delete",
  deleted: (what: string, until: string): string => `Deleted: ${what}. It can be taken back until ${until}.`,
  undo: "Undo",
  takeBack: "Take back",
  bin: "Deleted",
  binHint: "What was found in a deleted recording stays in its night. After a month the recording is removed for good.",
  until: (day: string): string => `until ${day}`,
  actions: (what: string): string => `Actions for ${what}`,
  began: (ms: number): string => BEGAN.format(ms),
  day: (ms: number): string => DAY.format(ms),
  size: (octets: number): string =>
    octets >= 1e9 ? `${NUMBER.format(octets / 1e9)} GB` : octets >= 1e6 ? `${NUMBER.format(octets / 1e6)} MB` : `${NUMBER.format(octets / 1e3)} kB`,
};

export type Words = typeof en;

type Shared = "began" | "day" | "size";

const de: Omit<Words, Shared> = {
  title: "Aufnahmen",
  none: "Noch nichts aufgezeichnet",
  noneHint: "Jede Aufnahme erscheint hier, mit ihrer Größe und wie vollständig sie ist.",
  failed: "Die Aufnahmen können gerade nicht gezeigt werden. Neuer Versuch …",
  total: (count, size) => `${count} ${count === 1 ? "Aufnahme" : "Aufnahmen"}, ${size}`,
  free: (size) => `${size} frei auf diesem Laufwerk`,
  filter: "Zeigen",
  filters: { all: "Alle", live: "Echte Nächte", demo: "Simuliert", replay: "Wiedergaben" },
  noneOfThese: "Davon gibt es keine.",
  origins: { live: "Echte Nacht", demo: "Simuliert", replay: "Wiedergabe" },
  states: {
    ended: "",
    recording: "wird aufgezeichnet",
    cut_short: "abgebrochen: endete nicht ordentlich",
    unreadable: "nicht lesbar",
    deleted: "gelöscht",
  },
  coverage: (percent) => `${percent} aufgezeichnet`,
  unread: "noch nicht gelesen",
  sensors: (count) => `${count} ${count === 1 ? "Sensor" : "Sensoren"}`,
  open: "Nacht öffnen",
  export: "Exportieren",
  exportAs: "Exportieren als",
  formats: {
    edf: "EDF+ (für die meisten Programme, mit Anmerkungen)",
    bdf: "BDF+ (24 Bit, mit Anmerkungen)",
    csv: "CSV (für Tabellen)",
    npz: "NumPy (für Python)",
  },
  sensor: "Sensor",
  start: "Schreiben",
  exporting: (file) => `${file} wird geschrieben …`,
  exported: (file, size) => `${file}, ${size}`,
  fetch: "Sichern",
  cancel: "Abbrechen",
  remove: "Entfernen",
  exportFailed: (why) => `Der Export ist misslungen: ${why}`,
  backup: "Kopie sichern",
  replay: "Wiedergeben",
  replayStarting: "Die Wiedergabe beginnt …",
  replayRunning: "Eine Aufnahme wird abgespielt.",
  replayFollow: "Zusehen",
  replayEnd: "Beenden",
  replayEnded: (why) => (why ? `Die Wiedergabe endete: ${why}` : "Die Wiedergabe ist zu Ende."),
  delete: "Löschen",
  deleted: (what, until) => `Gelöscht: ${what}. Bis ${until} kann es zurückgeholt werden.`,
  undo: "Rückgängig",
  takeBack: "Zurückholen",
  bin: "Gelöscht",
  binHint: "Was in einer gelöschten Aufnahme gefunden wurde, bleibt in ihrer Nacht. Nach einem Monat verschwindet die Aufnahme endgültig.",
  until: (day) => `bis ${day}`,
  actions: (what) => `Aktionen für ${what}`,
};

export const text: Words = inLanguage<Words>({ en, de: { ...en, ...de } });
