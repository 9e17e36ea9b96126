/** How the page shows things: theme, signal length, sound, screen. */

import { Awake } from "./awake";
import { icon, make, show } from "./dom";
import { ICONS } from "./icons";
import type { Sound } from "./live/sound";
import { THEMES, WINDOWS, type Preferences, type Switch } from "./preferences";
import { text } from "./strings";

/** A row of choices of which one holds. */
export function choice<T extends string | number>(
  name: string,
  label: string,
  options: readonly T[],
  words: (option: T) => string,
  chosen: T,
  onChoice: (option: T) => void,
): HTMLElement {
  const group = make("fieldset", { class: "choice", "data-choice": name }, make("legend", {}, label));
  for (const option of options) {
    const input = make("input", { type: "radio", name, value: String(option), checked: option === chosen });
    input.addEventListener("change", () => onChoice(option));
    group.append(make("label", {}, input, make("span", {}, words(option))));
  }
  return group;
}

export function windowChoice(preferences: Preferences, onChange: () => void): HTMLElement {
  return choice("window", text.windowLabel, WINDOWS, (s) => text.windows[s] ?? `${s} s`, preferences.windowS, (windowS) => {
    preferences.setWindow(windowS);
    onChange();
  });
}

export function themeChoice(preferences: Preferences): HTMLElement {
  return choice("theme", text.themeLabel, THEMES, (theme) => text.themes[theme], preferences.theme, (theme) => {
    preferences.setTheme(theme);
  });
}

/** A switch of this device; it may be on the page more than once. */
export function toggle(name: Switch, words: string, preferences: Preferences): HTMLElement {
  const input = make("input", { type: "checkbox", "data-switch": name, checked: preferences[name] });
  input.addEventListener("change", () => preferences.turn(name, input.checked));
  preferences.watch((turned) => {
    if (turned === name) input.checked = preferences[name];
  });
  return make("div", { class: "switch" }, make("label", {}, input, make("span", {}, words)));
}

export function displayMenu(preferences: Preferences, sound: Sound, awake: Awake): HTMLElement {
  const summary = make("summary", { "aria-label": text.display }, icon(ICONS.display), make("span", {}, text.display));
  const panel = make("div", { class: "panel card" }, themeChoice(preferences), soundSwitch(preferences, sound), awakeSwitch(preferences, awake));
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
  const blocked = make("p", { class: "muted", hidden: true }, text.soundBlocked);
  const enable = async (): Promise<void> => show(blocked, preferences.sound && !(await sound.enable()));
  preferences.watch((name) => {
    if (name === "sound") void enable();
  });
  // After a reload the browser is silent until the page is touched.
  if (preferences.sound) for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, () => void enable(), { once: true });
  const row = toggle("sound", text.soundOn, preferences);
  row.append(blocked);
  return row;
}

function awakeSwitch(preferences: Preferences, awake: Awake): HTMLElement {
  const refused = make("p", { class: "muted", hidden: true }, Awake.isPossible ? text.awakeRefused : text.awakeImpossible);
  const keep = async (): Promise<void> => show(refused, !(await awake.keep(preferences.awake)) && preferences.awake);
  preferences.watch((name) => {
    if (name === "awake") void keep();
  });
  if (preferences.awake) void keep();
  const row = toggle("awake", text.keepAwake, preferences);
  row.append(refused);
  return row;
}
