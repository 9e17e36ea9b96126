/** Die Prüfung vor dem Schlafen und die Leiste, die eine Nacht beginnt und beendet. */

import type { Catalogue } from "../en";
import { counted } from "../plural";

export const bedtime: Catalogue["bedtime"] = {
  open: "Vor dem Schlafen",
  title: "Bereit für die Nacht?",
  wakeUpTime: "Aufstehzeit",
  testSound: "Ton testen",
  notYet: "Noch nicht",
  start: "Nacht beginnen",
  startAnyway: "Nacht trotzdem beginnen",
  goodMorning: "Guten Morgen",
  nightSince: (time) => `Nacht seit ${time}`,
  allGood: "Alles in Ordnung. Schlafen Sie gut.",
  toCheck: (count) => `${counted(count, "Punkt", "Punkte")} zu prüfen`,
  levels: { good: "In Ordnung:", warn: "Bitte prüfen:", wait: "Noch nicht geprüft:", optional: "Optional:" },
  names: {
    contact: "Kontakt",
    battery: "Akku",
    link: "Funk",
    recorder: "Aufnahme",
    disk: "Platz",
    clock: "Uhr",
    sound: "Ton",
    awake: "Bildschirm",
  },
  contact: {
    noSensor: "Noch kein Sensor gefunden.",
    silent: (sensors) => `Keine Daten von: ${sensors}.`,
    poor: (sensors) => `Schlechter oder kein Kontakt: ${sensors}. Drücken Sie die Elektroden an.`,
    settling: (sensors) => `${sensors}: wird noch geprüft …`,
    good: (sensors) => `${sensors}: Die Elektroden sitzen gut.`,
  },
  battery: {
    unknown: "Warte auf Daten der Sensoren.",
    sensor: (sensor, percent, forecast) => [`${sensor} ${percent}`, forecast].filter(Boolean).join(", "),
    good: (batteries) => `${batteries}.`,
    short: (batteries, until) => `${batteries}. Reicht vielleicht nicht bis ${until}.`,
  },
  link: {
    unknown: "Warte auf Daten der Sensoren.",
    good: "Alle Sensoren haben guten Funkkontakt.",
    weak: (sensors) => `Schwach: ${sensors}. Stellen Sie diesen Rechner näher ans Bett.`,
  },
  recorder: { good: "Aufzeichnung, Erkennung und Speicher laufen." },
  disk: {
    unknown: "Warte auf Daten von crampwatch.",
    full: "Kein Platz für eine Nacht. Schaffen Sie Platz.",
    nights: (count) => `Platz für ${count > 999 ? "mehr als 999 Nächte" : counted(count, "Nacht", "Nächte")}.`,
  },
  clock: {
    unknown: "Noch nicht verglichen.",
    good: (time) => `Stimmt mit dem Rekorder überein (${time}).`,
    apart: (seconds) => `Dieses Gerät und der Rekorder liegen ${seconds} auseinander. Stellen Sie die falsch gehende Uhr.`,
    zoneApart: (offset) => `Der Rekorder ist auf eine andere Zeitzone eingestellt als dieses Gerät (${offset}).`,
  },
  sound: {
    off: "Auf diesem Gerät aus.",
    blocked: "An, aber vom Browser noch blockiert: Testen Sie ihn einmal.",
    on: "An. Testen Sie einmal, ob er laut genug ist.",
    tested: "An\u00a0– Test abgespielt.",
  },
  awake: {
    off: "Der Bildschirm kann sich sperren\u00a0– das Telefon kann Alarme dann stumm lassen. Lassen Sie ihn an.",
    impossible:
      "Der Bildschirm kann sich sperren, und ein Telefon kann Alarme dann stumm lassen. Browser lassen ihn nur auf https-Seiten an: Schalten Sie die automatische Sperre aus.",
    on: "Bleibt an.",
  },
};
