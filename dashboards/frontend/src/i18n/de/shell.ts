/** Was die Ansichten umgibt: Navigation, Anzeigemenü und Störungen von crampwatch selbst. */

import type { Catalogue } from "../en";

export const shell: Catalogue["shell"] = {
  navigation: "Ansichten",
  views: { live: "Live", night: "Nacht", sessions: "Aufnahmen", settings: "Einstellungen" },
  display: "Anzeige",
  theme: "Farben",
  themes: { dark: "Dunkel", light: "Hell", night: "Nachtrot" },
  window: "Gezeigtes Signal",
  windows: { 10: "10 s", 30: "30 s", 120: "2 min", 300: "5 min" },
  sound: "Sanfter Ton bei Alarm",
  soundBlocked: "Browser spielen Töne erst ab, nachdem Sie die Seite angetippt haben.",
  keepAwake: "Bildschirm anlassen",
  awakeRefused: "Der Browser erlaubt das gerade nicht; vielleicht ist der Akku schwach.",
  awakeImpossible: "Browser erlauben das nur auf https-Seiten oder auf dem Rechner, auf dem crampwatch läuft.",
  redAtNight: "Seite nachts rot anzeigen",
  unreachable: "crampwatch ist nicht erreichbar.",
  couldNotSave: (why) => `Konnte nicht gespeichert werden: ${why}`,
  disclaimer:
    "Kein Medizinprodukt. „Wahrscheinlich“ heißt genau das: Oberflächen-EMG kann nicht beweisen, dass eine Anspannung unwillkürlich ist.",
  connectionLost: "Verbindung zu crampwatch verloren. Neuer Versuch …",
  brokerLost: "crampwatch erreicht seinen Nachrichtenverteiler nicht. Die Anzeige kann veraltet sein.",
  serviceOffline: {
    collector: "Die Aufzeichnung läuft nicht: Kein Sensor wird aufgezeichnet.",
    detector: "Die Erkennung läuft nicht: Es werden keine Ereignisse gefunden.",
    store: "Der Speicher läuft nicht: Neue Ereignisse warten beim Nachrichtenverteiler, bis er wieder da ist.",
  },
  origins: { demo: "Simulierte Daten", replay: "Wiedergabe", live: "" },
  originDetails: {
    demo: "Diese Signale kommen von einem simulierten Fuß, nicht von einem Menschen.",
    replay: "Eine Aufnahme wird abgespielt; das geschieht nicht jetzt.",
    live: "",
  },
};
