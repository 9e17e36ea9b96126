/** Which language the page uses, and how its region writes times and numbers. */

/** Languages the page is translated to, by their own names. Each has a folder of catalogues here. */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;

export type Language = keyof typeof LANGUAGES;

const STORAGE_KEY = "crampwatch.language";
const browserLanguage = navigator.language.slice(0, 2);

/** The language chosen on this device, else the browser's own, else English. */
export const language: Language = supportedLanguage(chosenLanguage()) ?? supportedLanguage(browserLanguage) ?? "en";

/** The browser's own region while the page uses the browser's language: "en-GB" writes other dates than "en-US". */
export const locale: string = language === browserLanguage ? navigator.language : language;

/** Pick the page's language from one value a language; a language without a value does not compile. */
export function inLanguage<T>(values: Record<Language, T>): T {
  return values[language];
}

/** The language chosen in the settings; empty for the browser's own. */
export function chosenLanguage(): string {
  try {
    return localStorage.getItem(STORAGE_KEY) ?? "";
  } catch {
    return ""; // storage is blocked
  }
}

/** Reload the page in another language; empty for the browser's own. */
export function chooseLanguage(code: string): void {
  try {
    localStorage.setItem(STORAGE_KEY, code);
  } catch {
    return; // storage is blocked: a reload would change nothing
  }
  location.reload();
}

function supportedLanguage(code: string): Language | null {
  return code in LANGUAGES ? (code as Language) : null;
}
