/** Die Anmeldeseite. */

import type { login as en } from "../en/login";

export const login: typeof en = {
  title: "crampwatch: Anmelden",
  token: "Zugangsschlüssel",
  enter: "Anmelden",
  hint: "Der Schlüssel steht in secrets.toml im Datenordner von crampwatch („crampwatch config“ zeigt, wo der liegt).",
  wrong: "Falscher Zugangsschlüssel. Prüfen Sie ihn und versuchen Sie es noch einmal.",
  wait: "Zu viele Fehlversuche. Warten Sie eine Minute und versuchen Sie es noch einmal.",
};
