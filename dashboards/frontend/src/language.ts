/** Which of a catalogue's languages the page speaks; each view keeps its words beside itself. */

export type Catalogues<T> = { en: T } & Partial<Record<string, T>>;

/** Languages there is a catalogue of, as they call themselves. */
export const LANGUAGES: Record<string, string> = { en: "English", de: "Deutsch" };

const browsers = navigator.language.slice(0, 2);

/** The language chosen on this browser, else the browser's own, else English. */
export const language: string = known(chosenLanguage()) ?? known(browsers) ?? "en";

/** How times and numbers are written: as the browser's region does, unless it speaks another language. */
export const locale: string = language === browsers ? navigator.language : language;

/** Hours as the region writes them: 7:05 PM, but 07:05, which nobody takes for a length of time. */
export const HOUR_STYLE = new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions().hour12 ? "numeric" : "2-digit";

export function inLanguage<T>(catalogues: Catalogues<T>): T {
  return catalogues[language] ?? catalogues.en;
}

/** What was chosen; empty where the browser's own language holds. */
export function chosenLanguage(): string {
  try {
    return localStorage.getItem("crampwatch.language") ?? "";
  } catch {
    return ""; // storage is forbidden
  }
}

/** Speak another language from the next page on; empty: the browser's own. */
export function chooseLanguage(code: string): void {
  try {
    localStorage.setItem("crampwatch.language", code);
  } catch {
    return; // storage is forbidden: the browser's own it stays
  }
  location.reload();
}

function known(code: string): string | null {
  return code in LANGUAGES ? code : null;
}
