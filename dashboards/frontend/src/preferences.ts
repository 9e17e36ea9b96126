/** How this browser shows things, remembered in its local storage. */

export const THEMES = ["dark", "light", "night"] as const;
export type Theme = (typeof THEMES)[number];

/** Seconds of signal on the screen. */
export const WINDOWS_S = [10, 30, 120, 300] as const;
export type WindowS = (typeof WINDOWS_S)[number];

/** Settings that are on or off. Also their keys in local storage: renaming one would forget what users have set. */
export type Switch = "sound" | "awake" | "redAtNight";

export class Preferences {
  theme: Theme = findOrDefault(THEMES, readItem("theme"), "dark");
  windowS: WindowS = findOrDefault(WINDOWS_S, Number(readItem("window")), 30);
  /** Called when other colours are shown. */
  onTheme: () => void = () => undefined;
  private readonly switches: Record<Switch, boolean> = {
    sound: readItem("sound") === "on",
    awake: readItem("awake") === "on",
    redAtNight: readItem("redAtNight") === "on",
  };
  private readonly listeners: ((name: Switch) => void)[] = [];

  /** Play a soft sound with alarms. */
  get sound(): boolean {
    return this.switches.sound;
  }

  /** Keep the screen on. */
  get awake(): boolean {
    return this.switches.awake;
  }

  /** Show the red theme during the night, whatever the theme of the day. */
  get redAtNight(): boolean {
    return this.switches.redAtNight;
  }

  /** Call `listener` whenever a switch has been turned, wherever on the page. */
  onSwitch(listener: (name: Switch) => void): void {
    this.listeners.push(listener);
  }

  turn(name: Switch, on: boolean): void {
    this.switches[name] = on;
    writeItem(name, on ? "on" : "off");
    for (const listener of this.listeners) listener(name);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.showTheme(theme);
    writeItem("theme", theme);
  }

  /** Show a theme without remembering it. */
  showTheme(theme: Theme): void {
    document.documentElement.dataset["theme"] = theme;
    const page = getComputedStyle(document.documentElement).getPropertyValue("--page").trim();
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", page);
    this.onTheme();
  }

  setWindow(windowS: WindowS): void {
    this.windowS = windowS;
    writeItem("window", String(windowS));
  }
}

function findOrDefault<T>(values: readonly T[], value: unknown, fallback: T): T {
  return values.find((one) => one === value) ?? fallback;
}

function readItem(name: string): string | null {
  try {
    return localStorage.getItem(`crampwatch.${name}`);
  } catch {
    return null; // storage is blocked: the defaults apply
  }
}

function writeItem(name: string, value: string): void {
  try {
    localStorage.setItem(`crampwatch.${name}`, value);
  } catch {
    // Storage is blocked: the setting lasts until the page is closed.
  }
}
