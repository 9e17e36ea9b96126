/** Settings and the state of the machine: sensors, alarms, thresholds, health, storage, this device, versions. */

import { errorText, getJson } from "../api";
import { make, setData, setText, show } from "../dom";
import { text } from "../i18n";
import { fileSize, number } from "../i18n/format";
import { chooseLanguage, chosenLanguage, LANGUAGES } from "../i18n/language";
import { ALERT_KINDS, type AlertKind } from "../live/alarms";
import type { Live } from "../live/live";
import type { View } from "../router";
import type { Service, ServiceStatus } from "../schema";
import type { System } from "./schema";
import { makeField, makeSelect, SensorCards, showFacts } from "./sensors";

const REFRESH_MS = 1000;
/** The server looks at its disk for each answer. */
const FETCH_MS = 30_000;
const SERVICES: readonly Service[] = ["collector", "detector", "store", "web"];
const TIGHT_NIGHTS = 3;

interface HealthRow {
  name: string;
  state: string;
  isFault: boolean;
}

export class SettingsView implements View {
  readonly element: HTMLElement;
  private readonly sensors: SensorCards;
  private readonly trouble = make("p", { class: "trouble", role: "status", hidden: true });
  private readonly alertInputs = new Map<AlertKind, HTMLInputElement>();
  private readonly wakeUpTime = make("input", { type: "time", required: true });
  private readonly thresholds = make("ul", { class: "sentences" });
  private readonly health = make("dl", { class: "facts" });
  private readonly places = make("dl", { class: "facts places" });
  private readonly nights = make("p", { class: "nights" });
  private readonly nightSize = make("p", { class: "muted" });
  private readonly access = make("p");
  private readonly logOut = make("form", { method: "post", action: "/logout", hidden: true }, make("button", { type: "submit" }, text.settings.logOut));
  private readonly versions = make("dl", { class: "facts" });
  private timers: number[] = [];

  constructor(private readonly live: Live) {
    this.sensors = new SensorCards(live.model);
    this.element = make(
      "div",
      { class: "settings" },
      make("h1", {}, text.shell.views.settings),
      this.trouble,
      make("h2", {}, text.settings.sensors),
      this.sensors.element,
      make(
        "div",
        { class: "cards" },
        this.makeAlarmCard(),
        makeCard(text.settings.detection, this.thresholds, make("p", { class: "muted" }, text.settings.thresholdsWhy)),
        makeCard(text.settings.storage, this.nights, this.nightSize, this.places, make("p", { class: "muted" }, text.settings.private)),
        makeCard(text.settings.health, this.health),
        this.makeDeviceCard(),
        makeCard(text.settings.versions, this.versions),
      ),
    );
  }

  /** Where the listed sensors' data comes from. */
  get origin(): Live["origin"] {
    return this.live.origin;
  }

  enter(): void {
    this.leave();
    this.timers = [window.setInterval(() => this.refresh(), REFRESH_MS), window.setInterval(() => void this.fetchSystem(), FETCH_MS)];
    this.refresh();
    void this.live.model.ready.then(() => this.refresh());
    void this.fetchSystem();
  }

  leave(): void {
    for (const timer of this.timers) window.clearInterval(timer);
    this.timers = [];
  }

  private makeAlarmCard(): HTMLElement {
    const group = make("fieldset", { class: "calls" }, make("legend", {}, text.settings.alertAbout));
    for (const kind of ALERT_KINDS) {
      const input = make("input", { type: "checkbox", value: kind });
      input.addEventListener("change", () => void this.live.alarms.setAlertKinds(this.checkedKinds()));
      this.alertInputs.set(kind, input);
      const label = make("span", {}, text.common.kinds[kind], make("small", { class: "muted" }, text.settings.kindHints[kind]));
      group.append(make("div", { class: "switch" }, make("label", {}, input, label)));
    }
    this.wakeUpTime.addEventListener("change", () => {
      if (this.wakeUpTime.value) void this.live.alarms.setWakeUpTime(this.wakeUpTime.value);
    });
    const hint = make("p", { class: "muted" }, text.settings.faultsAlways);
    return makeCard(text.settings.alarms, group, hint, makeField(text.settings.wakeUpTime, this.wakeUpTime));
  }

  private checkedKinds(): AlertKind[] {
    return ALERT_KINDS.filter((kind) => this.alertInputs.get(kind)?.checked);
  }

  private makeDeviceCard(): HTMLElement {
    const language = makeSelect([["", text.settings.browserLanguage], ...Object.entries(LANGUAGES)]);
    language.value = chosenLanguage();
    language.addEventListener("change", () => chooseLanguage(language.value));
    const note = make("p", { class: "muted" }, text.settings.deviceNote);
    return makeCard(text.settings.device, makeField(text.settings.language, language), note, make("h3", {}, text.settings.access), this.access, this.logOut);
  }

  private refresh(): void {
    const { model } = this.live;
    this.sensors.refresh();
    for (const [kind, input] of this.alertInputs)
      if (document.activeElement !== input) input.checked = model.alarms.calls.includes(kind);
    if (document.activeElement !== this.wakeUpTime) this.wakeUpTime.value = model.alarms.wake_at;
    if (!model.isReady) return;
    const rows = this.healthRows();
    showFacts(this.health, rows.map(({ name, state }) => [name, state]));
    [...this.health.children].forEach((row, i) => setData(row as HTMLElement, "fault", String(rows[i]?.isFault ?? false)));
  }

  private healthRows(): HealthRow[] {
    const { model } = this.live;
    const { running, stopped } = text.settings;
    const collector = model.services.get("collector");
    const adapter = collector?.online ? text.settings.adapterRunning(adapterName(collector.detail)) : stopped;
    return [
      { name: text.settings.broker, state: model.broker ? running : stopped, isFault: !model.broker },
      ...SERVICES.map((name) => healthRow(name, model.services.get(name))),
      { name: text.settings.adapter, state: adapter, isFault: !collector?.online },
    ];
  }

  private async fetchSystem(): Promise<void> {
    try {
      this.showSystem(await getJson<System>("/api/v1/system"));
      show(this.trouble, false);
    } catch (error) {
      setText(this.trouble, errorText(error));
      show(this.trouble, true);
    }
  }

  private showSystem(system: System): void {
    showFacts(this.versions, Object.entries(system.versions).filter(([, version]) => version !== ""));
    this.showThresholds(system.thresholds);
    this.showStorage(system);
    setText(this.access, system.is_guarded ? text.settings.guarded : text.settings.unguarded);
    show(this.logOut, system.is_guarded);
    this.refresh();
  }

  private showThresholds(t: System["thresholds"]): void {
    const sentences = text.settings.thresholds({
      onset: number(t.onset_ratio, 1),
      hold: number(t.hold_ratio, 1),
      peak: number(t.least_peak_uv, 1),
      cramp: number(t.least_cramp_uv, 1),
      confirm: number(t.confirm_s, 1),
      least: number(t.least_cramp_s, 1),
      end: number(t.end_s, 1),
    });
    this.thresholds.replaceChildren(...sentences.map((sentence) => make("li", {}, sentence)));
  }

  private showStorage(system: System): void {
    const running = this.live.model.orderedSensors().filter((sensor) => !sensor.info?.ended_ns).length;
    const nightBytes = system.octets_an_hour * system.night_hours * (system.is_measured ? 1 : Math.max(1, running));
    const nights = system.free_octets === null ? null : Math.floor(system.free_octets / nightBytes);
    const takes = text.settings.nightTakes(fileSize(nightBytes), number(system.night_hours));
    setText(this.nightSize, system.is_measured ? takes : `${takes} ${text.settings.nightAssumed}`);
    setText(this.nights, nights === null ? text.settings.noDisk : text.settings.nightsFit(nights, number(nights), fileSize(system.free_octets ?? 0)));
    setData(this.nights, "low", String(nights !== null && nights < TIGHT_NIGHTS));
    const rows = system.places.map(({ what, path, octets }): [string, string] => [
      path ? text.settings.placeAt(text.settings.places[what] ?? what, path) : (text.settings.places[what] ?? what),
      octets === null ? text.settings.elsewhere : fileSize(octets),
    ]);
    showFacts(this.places, system.data ? [[text.settings.folder, system.data], ...rows] : rows);
  }
}

function healthRow(service: Service, status: ServiceStatus | undefined): HealthRow {
  const { noContact, running, runningDetail, runningVersion, stopped } = text.settings;
  const name = text.settings.services[service];
  if (!status) return { name, state: noContact, isFault: false };
  const version = status.version.replace("crampwatch ", "");
  const state = status.online ? (version ? runningVersion(version) : running) : stopped;
  // The store's detail says how far it is behind.
  const detail = service === "store" ? status.detail : "";
  return { name, state: detail ? runningDetail(state, detail) : state, isFault: !status.online };
}

function makeCard(title: string, ...children: HTMLElement[]): HTMLElement {
  return make("section", { class: "card" }, make("h2", {}, title), ...children);
}

function adapterName(adapter: string): string {
  if (adapter === "") return text.settings.systemAdapter;
  return adapter.startsWith("bumble:tcp") ? text.settings.virtualAdapter : adapter;
}
