/** Controls that several views share, and the display menu: theme, sound, screen. */

import { icon, make, show } from "./dom";
import { text } from "./i18n";
import { ICONS } from "./icons";
import type { Sound } from "./live/sound";
import { THEMES, WINDOWS_S, type Preferences, type Switch } from "./preferences";
import { WakeLock } from "./wakelock";

/** Radio buttons in a row. */
export function choice<T extends string | number>(
  name: string,
  legend: string,
  options: readonly T[],
  labelOf: (option: T) => string,
  chosen: T,
  onChoice: (option: T) => void,
): HTMLElement {
  const group = make("fieldset", { class: "choice", "data-choice": name }, make("legend", {}, legend));
  for (const option of options) {
    const input = make("input", { type: "radio", name, value: String(option), checked: option === chosen });
    input.addEventListener("change", () => onChoice(option));
    group.append(make("label", {}, input, make("span", {}, labelOf(option))));
  }
  return group;
}

export function windowChoice(preferences: Preferences, onChange: () => void): HTMLElement {
  const labelOf = (windowS: (typeof WINDOWS_S)[number]): string => text.shell.windows[windowS];
  return choice("window", text.shell.window, WINDOWS_S, labelOf, preferences.windowS, (windowS) => {
    preferences.setWindow(windowS);
    onChange();
  });
}

export function themeChoice(preferences: Preferences): HTMLElement {
  return choice("theme", text.shell.theme, THEMES, (theme) => text.shell.themes[theme], preferences.theme, (theme) => {
    preferences.setTheme(theme);
  });
}

/** A switch of this device; the page may hold several for the same setting. */
export function toggle(name: Switch, label: string, preferences: Preferences): HTMLElement {
  const input = make("input", { type: "checkbox", "data-switch": name, checked: preferences[name] });
  input.addEventListener("change", () => preferences.turn(name, input.checked));
  preferences.onSwitch((turned) => {
    if (turned === name) input.checked = preferences[name];
  });
  return make("div", { class: "switch" }, make("label", {}, input, make("span", {}, label)));
}

export function displayMenu(preferences: Preferences, sound: Sound, wakeLock: WakeLock): HTMLElement {
  const summary = make("summary", { "aria-label": text.shell.display }, icon(ICONS.display), make("span", {}, text.shell.display));
  const panel = make(
    "div",
    { class: "panel card" },
    themeChoice(preferences),
    soundSwitch(preferences, sound),
    awakeSwitch(preferences, wakeLock),
  );
  const menu = make("details", { class: "menu" }, summary, panel);
  document.addEventListener("click", (event) => {
    if (menu.open && event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    summary.focus();
  });
  return menu;
}

function soundSwitch(preferences: Preferences, sound: Sound): HTMLElement {
  const blocked = make("p", { class: "muted", hidden: true }, text.shell.soundBlocked);
  const enable = async (): Promise<void> => show(blocked, preferences.sound && !(await sound.enable()));
  preferences.onSwitch((name) => {
    if (name === "sound") void enable();
  });
  // After a reload the browser is silent until the page is touched.
  if (preferences.sound) for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, () => void enable(), { once: true });
  const row = toggle("sound", text.shell.sound, preferences);
  row.append(blocked);
  return row;
}

function awakeSwitch(preferences: Preferences, wakeLock: WakeLock): HTMLElement {
  const refused = make("p", { class: "muted", hidden: true }, WakeLock.isPossible ? text.shell.awakeRefused : text.shell.awakeImpossible);
  const apply = async (): Promise<void> => show(refused, !(await wakeLock.request(preferences.awake)) && preferences.awake);
  preferences.onSwitch((name) => {
    if (name === "awake") void apply();
  });
  if (preferences.awake) void apply();
  const row = toggle("awake", text.shell.keepAwake, preferences);
  row.append(refused);
  return row;
}
