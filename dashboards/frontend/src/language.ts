/** Which of a catalogue's languages the page speaks; each view keeps its words beside itself. */

export type Catalogues<T> = { en: T } & Partial<Record<string, T>>;

/** The words of the browser's language, else English. */
export function inLanguage<T>(catalogues: Catalogues<T>): T {
  return catalogues[navigator.language.slice(0, 2)] ?? catalogues.en;
}
