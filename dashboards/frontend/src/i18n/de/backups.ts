/** Sicherungen, unter der Liste der Aufnahmen. */

import type { Catalogue } from "../en";
import { counted } from "../plural";

export const backups: Catalogue["backups"] = {
  title: "Sicherungen",
  hint: "Eine Datei mit allen echten Nächten, Ergebnissen, Notizen, Einstellungen und Schlüsseln. Sie enthält Geheimnisse\u00a0– bewahren Sie sie an einem privaten Ort auf.",
  place: (folder) => `Gespeichert in ${folder}. Laden Sie zur Sicherheit eine Kopie auf einen anderen Datenträger herunter.`,
  make: "Jetzt sichern",
  add: "Sicherung hinzufügen …",
  uploading: (file) => `${file} wird hochgeladen …`,
  notUploaded: "Hochladen unterbrochen. Versuchen Sie es noch einmal.",
  download: "Herunterladen",
  check: "Prüfen",
  restore: "Wiederherstellen …",
  recordings: (count) => counted(count, "Aufnahme", "Aufnahmen"),
  working: {
    make: "Die Sicherung wird erstellt. Die Aufzeichnung läuft weiter.",
    check: "Die Sicherung wird geprüft …",
    restore: "Aufnahmen werden wiederhergestellt. Die Aufzeichnung läuft weiter.",
  },
  workFailed: {
    make: (why) => `Sicherung fehlgeschlagen: ${why}`,
    check: (why) => `Diese Sicherung ist nicht verwendbar: ${why}`,
    restore: (why) => `Die Wiederherstellung wurde nicht fertig: ${why}`,
  },
  made: "Die Sicherung ist fertig.",
  intact: (files, sessions) =>
    `Die Sicherung ist in Ordnung: ${counted(files, "Datei", "Dateien")}, ${counted(sessions, "Aufnahme", "Aufnahmen")}.`,
  missingHere: (count) =>
    `${counted(count, "Aufnahme fehlt", "Aufnahmen fehlen")} hier und ${count === 1 ? "kann" : "können"} wiederhergestellt werden.`,
  nothingMissing: "Alles darin ist hier schon vorhanden.",
  present: (count) => `${counted(count, "Aufnahme ist", "Aufnahmen sind")} hier schon vorhanden.`,
  deleted: (count) =>
    `${counted(count, "Aufnahme wurde", "Aufnahmen wurden")} hier gelöscht und ${count === 1 ? "lässt" : "lassen"} sich unter „Gelöscht“ wiederherstellen.`,
  damaged: (names) => `Unverändert enthalten, aber nicht zu öffnen: ${names}.`,
  restored: (count) => (count ? `${counted(count, "Aufnahme", "Aufnahmen")} wiederhergestellt.` : "Es fehlte nichts."),
  restoreTitle: "Fehlendes wiederherstellen?",
  willRestore: (count) =>
    `${counted(count, "Aufnahme wird", "Aufnahmen werden")} mit Ergebnissen und Notizen wiederhergestellt.`,
  willRestoreBare: (count) =>
    `${counted(count, "Aufnahme wird", "Aufnahmen werden")} ohne Ergebnisse wiederhergestellt: „crampwatch backfill-store“ erzeugt diese neu.`,
  nothingChanges:
    "Hier wird nichts geändert oder entfernt, und die Aufzeichnung läuft weiter. Nach einer Unterbrechung starten Sie einfach neu: Was schon wiederhergestellt ist, bleibt.",
  settingsStay:
    "Einstellungen, Namen und Schlüssel bleiben hier unverändert. Um alles auf ein neues Gerät zu übertragen, führen Sie dort „crampwatch restore“ aus.",
  restoreNow: "Wiederherstellen",
  removeTitle: (name) => `Sicherung von ${name} entfernen?`,
  removeHint: "Die Datei wird endgültig gelöscht. Aufnahmen sind davon nicht betroffen.",
};
