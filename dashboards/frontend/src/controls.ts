/** How the page shows things: theme, signal length, sound. */

import { icon, make, show } from "./dom";
import { ICONS } from "./icons";
import type { Sound } from "./live/sound";
import { forgetPalette } from "./palette";
import { THEMES, WINDOWS, type Preferences } from "./preferences";
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

export function displayMenu(preferences: Preferences, sound: Sound, onTheme: () => void): HTMLElement {
  const themes = choice("theme", text.themeLabel, THEMES, (theme) => text.themes[theme], preferences.theme, (theme) => {
    preferences.setTheme(theme);
    forgetPalette();
    onTheme();
  });
  const summary = make("summary", { "aria-label": text.display }, icon(ICONS.display), make("span", {}, text.display));
  const menu = make("details", { class: "menu" }, summary, make("div", { class: "panel card" }, themes, soundSwitch(preferences, sound)));
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
  const input = make("input", { type: "checkbox", id: "sound", checked: preferences.sound });
  const blocked = make("p", { class: "muted", hidden: true }, text.soundBlocked);
  const enable = async (): Promise<void> => show(blocked, preferences.sound && !(await sound.enable()));
  input.addEventListener("change", () => {
    preferences.setSound(input.checked);
    void enable();
  });
  // After a reload the browser is silent until the page is touched.
  if (preferences.sound) for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, () => void enable(), { once: true });
  return make("div", { class: "switch" }, make("label", {}, input, make("span", {}, text.soundOn)), blocked);
}
