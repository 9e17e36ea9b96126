/** Die Liste der Aufnahmen: exportieren, wiedergeben, löschen, wiederherstellen. */

import type { Catalogue } from "../en";
import { counted } from "../plural";

export const sessions: Catalogue["sessions"] = {
  title: "Aufnahmen",
  none: "Noch nichts aufgezeichnet",
  noneHint: "Jede Aufnahme erscheint hier mit ihrer Größe und Vollständigkeit.",
  failed: "Die Aufnahmen können gerade nicht angezeigt werden. Neuer Versuch …",
  total: (count, size) => `${counted(count, "Aufnahme", "Aufnahmen")}, ${size}`,
  free: (size) => `${size} frei auf diesem Laufwerk`,
  filter: "Zeigen",
  filters: { all: "Alle", live: "Echte Nächte", demo: "Simuliert", replay: "Wiedergaben" },
  noneOfThese: "Davon gibt es keine.",
  origins: { live: "Echte Nacht", demo: "Simuliert", replay: "Wiedergabe" },
  states: {
    ended: "",
    recording: "wird aufgezeichnet",
    cut_short: "abgebrochen",
    unreadable: "nicht lesbar",
    deleted: "gelöscht",
  },
  coverage: (percent) => `${percent} aufgezeichnet`,
  checking: "wird geprüft …",
  sensors: (count) => counted(count, "Sensor", "Sensoren"),
  actions: (session) => `Aktionen für ${session}`,

  export: "Exportieren",
  exportAs: "Exportieren als",
  formats: {
    edf: "EDF+ (für die meisten Programme, mit Anmerkungen)",
    bdf: "BDF+ (24 Bit, mit Anmerkungen)",
    parquet: "Parquet (für Datenanalyse, mit Anmerkungen)",
    csv: "CSV (für Tabellen)",
    npz: "NumPy (für Python)",
  },
  sensor: "Sensor",
  exporting: (file) => `${file} wird exportiert …`,
  exported: (file, size) => `${file}, ${size}`,
  exportFailed: (why) => `Export fehlgeschlagen: ${why}`,
  download: "Herunterladen",
  downloadEpisodes: "Ereignisse herunterladen",

  replay: "Wiedergeben",
  replayStarting: "Die Wiedergabe startet …",
  replayRunning: "Eine Aufnahme wird abgespielt.",
  replayWatch: "Ansehen",
  replayStop: "Beenden",
  replayFailed: (why) => `Die Wiedergabe brach ab: ${why}`,
  replayFinished: "Die Wiedergabe ist zu Ende.",

  delete: "Löschen",
  deleted: (session, until) => `Gelöscht: ${session}. Kann bis ${until} wiederhergestellt werden.`,
  undo: "Rückgängig",
  restore: "Wiederherstellen",
  trash: (count) => `Gelöscht (${count})`,
  trashHint: "Die Ergebnisse einer gelöschten Aufnahme bleiben in ihrer Nacht. Die Aufnahme selbst wird nach einem Monat endgültig gelöscht.",
  until: (day) => `bis ${day}`,
};
