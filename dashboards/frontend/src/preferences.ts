/** What this browser remembers about how it shows things. */

export type Theme = "dark" | "light" | "night";

export const THEMES: readonly Theme[] = ["dark", "light", "night"];
/** Seconds of signal on the screen. */
export const WINDOWS: readonly number[] = [10, 30, 120, 300];

export class Preferences {
  theme: Theme = pick(THEMES, read("theme"), "dark");
  windowS: number = pick(WINDOWS, Number(read("window")), 30);
  sound: boolean = read("sound") === "on";

  setTheme(theme: Theme): void {
    this.theme = theme;
    document.documentElement.dataset["theme"] = theme;
    write("theme", theme);
  }

  setWindow(windowS: number): void {
    this.windowS = windowS;
    write("window", String(windowS));
  }

  setSound(sound: boolean): void {
    this.sound = sound;
    write("sound", sound ? "on" : "off");
  }
}

function pick<T>(values: readonly T[], value: unknown, otherwise: T): T {
  return values.find((known) => known === value) ?? otherwise;
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(`crampwatch.${name}`);
  } catch {
    return null; // storage is forbidden: the defaults hold
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(`crampwatch.${name}`, value);
  } catch {
    // Storage is forbidden: the setting holds until the page is closed.
  }
}
