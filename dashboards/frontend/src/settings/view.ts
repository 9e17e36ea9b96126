/** How things are, and how they shall be: sensors, alarms, thresholds, health, disk, versions. */

import { ask } from "../api";
import { make, mark, say, show } from "../dom";
import { chooseLanguage, chosenLanguage, LANGUAGES } from "../language";
import type { Live } from "../live/live";
import type { View } from "../router";
import { text } from "../strings";
import type { Kind } from "../wire";
import { number, size } from "./numbers";
import { facts, field, select, SensorCards } from "./sensors";
import { words } from "./words";

const TICK_MS = 1000;
const ASK_MS = 30_000;
const CALLABLE: readonly Kind[] = ["cramp", "twitch", "leg_movement", "movement", "rhythmic"];
const SERVICES = ["collector", "detector", "store", "web"];

/** As `crampwatch/web/settings/system_report.py` tells it. */
interface System {
  versions: Record<string, string>;
  data: string;
  places: { what: string; path: string; octets: number | null }[];
  free_octets: number | null;
  octets_an_hour: number;
  is_measured: boolean;
  night_hours: number;
  thresholds: Record<"onset_ratio" | "hold_ratio" | "least_peak_uv" | "least_cramp_uv" | "confirm_s" | "least_cramp_s" | "end_s", number>;
  is_guarded: boolean;
}

export class SettingsView implements View {
  readonly element: HTMLElement;
  private readonly sensors: SensorCards;
  private readonly trouble = make("p", { class: "trouble", role: "status", hidden: true });
  private readonly calls = new Map<Kind, HTMLInputElement>();
  private readonly wake = make("input", { type: "time", required: true });
  private readonly thresholds = make("ul", { class: "sentences" });
  private readonly health = make("dl", { class: "facts" });
  private readonly places = make("dl", { class: "facts places" });
  private readonly nights = make("p", { class: "nights" });
  private readonly takes = make("p", { class: "muted" });
  private readonly access = make("p");
  private readonly logOut = make("form", { method: "post", action: "/logout", hidden: true }, make("button", { type: "submit" }, words.logOut));
  private readonly versions = make("dl", { class: "facts" });
  private timers: number[] = [];

  constructor(private readonly live: Live) {
    this.sensors = new SensorCards(live.model);
    this.element = make(
      "div",
      { class: "settings" },
      make("h1", {}, text.views["settings"] ?? ""),
      this.trouble,
      make("h2", {}, words.sensors),
      this.sensors.element,
      make(
        "div",
        { class: "cards" },
        this.alarmCard(),
        card(words.detection, this.thresholds, make("p", { class: "muted" }, words.thresholdsWhy)),
        card(words.storage, this.nights, this.takes, this.places, make("p", { class: "muted" }, words.private)),
        card(words.health, this.health),
        this.deviceCard(),
        card(words.versions, this.versions),
      ),
    );
  }

  /** Where the sensors listed come from. */
  get origin(): Live["origin"] {
    return this.live.origin;
  }

  enter(): void {
    this.leave();
    this.timers = [window.setInterval(() => this.refresh(), TICK_MS), window.setInterval(() => void this.examine(), ASK_MS)];
    this.refresh();
    void this.live.model.known.then(() => this.refresh());
    void this.examine();
  }

  leave(): void {
    for (const timer of this.timers) window.clearInterval(timer);
    this.timers = [];
  }

  private alarmCard(): HTMLElement {
    const group = make("fieldset", { class: "calls" }, make("legend", {}, words.callFor));
    for (const kind of CALLABLE) {
      const input = make("input", { type: "checkbox", value: kind });
      input.addEventListener("change", () => void this.live.alarms.callFor(CALLABLE.filter((one) => this.calls.get(one)?.checked)));
      this.calls.set(kind, input);
      const told = make("span", {}, text.kinds[kind], make("small", { class: "muted" }, words.kindHints[kind] ?? ""));
      group.append(make("div", { class: "switch" }, make("label", {}, input, told)));
    }
    this.wake.addEventListener("change", () => {
      if (this.wake.value) void this.live.alarms.wakeAt(this.wake.value);
    });
    return card(words.alarms, group, make("p", { class: "muted" }, words.faultsAlways), field(words.wakeAt, this.wake));
  }

  private deviceCard(): HTMLElement {
    const language = select([["", words.browserLanguage], ...Object.entries(LANGUAGES)]);
    language.value = chosenLanguage();
    language.addEventListener("change", () => chooseLanguage(language.value));
    const note = make("p", { class: "muted" }, words.deviceNote);
    return card(words.device, field(words.language, language), note, make("h3", {}, words.access), this.access, this.logOut);
  }

  private refresh(): void {
    const { model } = this.live;
    this.sensors.refresh();
    for (const [kind, input] of this.calls)
      if (document.activeElement !== input) input.checked = model.alarms.calls.includes(kind);
    if (document.activeElement !== this.wake) this.wake.value = model.alarms.wake_at;
    if (!model.isKnown) return;
    const rows: [string, string][] = [[words.services["broker"] ?? "", model.broker ? words.running : words.stopped]];
    for (const name of SERVICES) {
      const status = model.services.get(name);
      const state = status === undefined ? words.unheard : status.online ? words.running : words.stopped;
      const detail = name === "store" && status?.detail ? `, ${status.detail}` : "";
      rows.push([words.services[name] ?? name, `${state}${status?.version ? ` (${status.version.replace("crampwatch ", "")})` : ""}${detail}`]);
    }
    const collector = model.services.get("collector");
    if (collector?.online) rows.push([words.adapter, `${adapterWords(collector.detail)}, ${words.running}`]);
    else rows.push([words.adapter, words.stopped]);
    facts(this.health, rows);
    [...this.health.children].forEach((row, i) => mark(row as HTMLElement, "fault", String(rows[i]?.[1].startsWith(words.stopped))));
  }

  private async examine(): Promise<void> {
    try {
      this.show(await ask<System>("/api/v1/system"));
      show(this.trouble, false);
    } catch (error) {
      say(this.trouble, words.unreachable(error instanceof Error ? error.message : String(error)));
      show(this.trouble, true);
    }
  }

  private show(system: System): void {
    facts(this.versions, Object.entries(system.versions).filter(([, version]) => version !== ""));
    this.showThresholds(system.thresholds);
    this.showStorage(system);
    say(this.access, system.is_guarded ? words.guarded : words.unguarded);
    show(this.logOut, system.is_guarded);
    this.refresh();
  }

  private showThresholds(t: System["thresholds"]): void {
    const told = words.thresholds({
      onset: number(t.onset_ratio, 1),
      hold: number(t.hold_ratio, 1),
      peak: number(t.least_peak_uv, 1),
      cramp: number(t.least_cramp_uv, 1),
      confirm: number(t.confirm_s, 1),
      least: number(t.least_cramp_s, 1),
      end: number(t.end_s, 1),
    });
    this.thresholds.replaceChildren(...told.map((sentence) => make("li", {}, sentence)));
  }

  private showStorage(system: System): void {
    // What is assumed rather than measured is for one sensor.
    const sensors = system.is_measured ? 1 : Math.max(1, this.live.model.ordered().filter((one) => !one.info?.ended_ns).length);
    const octets = system.octets_an_hour * system.night_hours * sensors;
    const nights = system.free_octets === null ? null : Math.floor(system.free_octets / octets);
    const night = size(octets);
    const takes = words.nightTakes(night, number(system.night_hours));
    say(this.takes, system.is_measured ? takes : `${takes} ${words.nightAssumed}`);
    say(this.nights, nights !== null ? words.nightsFit(number(nights), size(system.free_octets ?? 0)) : words.noDisk);
    mark(this.nights, "low", String(nights !== null && nights < 3));
    const rows = system.places.map(({ what, path, octets }): [string, string] => [
      path ? `${words.places[what] ?? what} (${path})` : (words.places[what] ?? what),
      octets === null ? words.elsewhere : size(octets),
    ]);
    facts(this.places, system.data ? [[words.folder, system.data], ...rows] : rows);
  }
}

function card(title: string, ...children: HTMLElement[]): HTMLElement {
  return make("section", { class: "card" }, make("h2", {}, title), ...children);
}

function adapterWords(adapter: string): string {
  if (adapter === "") return words.ownAdapter;
  return adapter.startsWith("bumble:tcp") ? words.virtualAdapter : adapter;
}
