/** What this browser remembers about how it shows things. */

export type Theme = "dark" | "light" | "night";

export const THEMES: readonly Theme[] = ["dark", "light", "night"];
/** Seconds of signal on the screen. */
export const WINDOWS: readonly number[] = [10, 30, 120, 300];

/** What is on or off. */
export type Switch = "sound" | "awake" | "redAtNight";

export class Preferences {
  theme: Theme = pick(THEMES, read("theme"), "dark");
  windowS: number = pick(WINDOWS, Number(read("window")), 30);
  /** Called when other colours are shown. */
  onTheme: () => void = () => undefined;
  private readonly switches: Record<Switch, boolean> = {
    sound: read("sound") === "on",
    awake: read("awake") === "on",
    redAtNight: read("redAtNight") === "on",
  };
  private readonly watchers: ((name: Switch) => void)[] = [];

  /** A soft sound at what the page calls for. */
  get sound(): boolean {
    return this.switches.sound;
  }

  /** Keep the screen on. */
  get awake(): boolean {
    return this.switches.awake;
  }

  /** Show the night in red, whatever the theme of the day. */
  get redAtNight(): boolean {
    return this.switches.redAtNight;
  }

  /** Call back whenever a switch has been turned, wherever on the page. */
  watch(watcher: (name: Switch) => void): void {
    this.watchers.push(watcher);
  }

  turn(name: Switch, on: boolean): void {
    this.switches[name] = on;
    write(name, on ? "on" : "off");
    for (const watcher of this.watchers) watcher(name);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.showTheme(theme);
    write("theme", theme);
  }

  /** Show a theme without choosing it for good. */
  showTheme(theme: Theme): void {
    document.documentElement.dataset["theme"] = theme;
    const page = getComputedStyle(document.documentElement).getPropertyValue("--page").trim();
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", page);
    this.onTheme();
  }

  setWindow(windowS: number): void {
    this.windowS = windowS;
    write("window", String(windowS));
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
