/** The sensors: their names, where they are worn, the state of their links. */

import { errorText, sendJson } from "../api";
import { make, makeButton, setText, show } from "../dom";
import { text } from "../i18n";
import { dbm, hertz, number } from "../i18n/format";
import type { Model, Sensor } from "../live/model";
import { sensorName } from "../live/names";
import { muscleOf, MUSCLES, type MuscleId } from "../muscles";
import type { Side } from "../schema";
import { placementFigure } from "./placement";

const OTHER = "other";

export class SensorCards {
  readonly element = make("div", { class: "sensors" });
  private readonly empty = make("p", { class: "card muted" }, text.settings.noSensors);
  private readonly cards = new Map<string, SensorCard>();

  constructor(private readonly model: Model) {
    this.element.append(this.empty);
  }

  refresh(): void {
    const sensors = this.model.orderedSensors();
    show(this.empty, this.model.isReady && sensors.length === 0);
    for (const [id, card] of this.cards)
      if (!this.model.sensors.has(id)) {
        card.element.remove();
        this.cards.delete(id);
      }
    for (const sensor of sensors) {
      let card = this.cards.get(sensor.id);
      if (!card) {
        this.cards.set(sensor.id, (card = new SensorCard(sensor.id)));
        this.element.append(card.element);
      }
      card.refresh(sensor);
    }
  }
}

class SensorCard {
  readonly element: HTMLElement;
  private readonly title = make("h3");
  private readonly figure = make("div");
  private readonly facts = make("dl", { class: "facts" });
  private readonly result = make("p", { class: "muted", role: "status" });
  private readonly name = make("input", { type: "text", maxlength: "60" });
  private readonly side: HTMLSelectElement;
  private readonly muscle: HTMLSelectElement;
  private readonly other = make("input", { type: "text", maxlength: "60", "aria-label": text.settings.whichMuscle });
  private shown = "";

  constructor(private readonly id: string) {
    const sides: [string, string][] = (["left", "right", "unknown"] as const).map((side) => [side, text.settings.sides[side]]);
    this.side = makeSelect(sides);
    const muscles = (Object.keys(MUSCLES) as MuscleId[]).map((muscle): [string, string] => [muscle, text.settings.muscleOption(text.common.muscles[muscle], muscle)]);
    this.muscle = makeSelect([["", text.settings.sides.unknown], ...muscles, [OTHER, text.settings.otherMuscle]]);
    const reset = makeButton(text.settings.reset, () => void this.save("DELETE"));
    const form = make(
      "form",
      {},
      makeField(text.settings.name, this.name),
      makeField(text.settings.side, this.side),
      makeField(text.settings.muscle, this.muscle),
      this.other,
      make("div", { class: "buttons" }, make("button", { type: "submit", class: "primary" }, text.settings.save), reset),
      this.result,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.save("PUT");
    });
    for (const input of [this.side, this.muscle, this.other]) input.addEventListener("input", () => this.draw());
    this.element = make("section", { class: "card sensor", "data-sensor": id }, this.title, this.figure, form, this.facts);
  }

  refresh(sensor: Sensor): void {
    setText(this.title, sensorName(sensor));
    this.refreshFacts(sensor);
    const { info } = sensor;
    const key = info ? [info.name, info.placement.side, info.placement.muscle].join("\n") : "";
    if (!info || key === this.shown) return; // do not overwrite what is being typed
    this.shown = key;
    this.name.value = info.name;
    this.side.value = info.placement.side;
    const muscle = muscleOf(info.placement.muscle);
    this.muscle.value = muscle ?? (info.placement.muscle ? OTHER : "");
    this.other.value = muscle ? "" : info.placement.muscle;
    this.draw();
  }

  private get writtenMuscle(): string {
    return this.muscle.value === OTHER ? this.other.value.trim() : this.muscle.value;
  }

  private draw(): void {
    show(this.other, this.muscle.value === OTHER);
    this.figure.replaceChildren(placementFigure(this.side.value as Side, this.writtenMuscle));
  }

  private async save(method: "PUT" | "DELETE"): Promise<void> {
    const label = { name: this.name.value.trim(), side: this.side.value, muscle: this.writtenMuscle };
    try {
      await sendJson(method, `/api/v1/sensors/${encodeURIComponent(this.id)}`, method === "PUT" ? label : undefined);
      this.shown = method === "DELETE" ? "" : this.shown;
      setText(this.result, text.settings.saved);
    } catch (error) {
      setText(this.result, errorText(error));
    }
  }

  private refreshFacts(sensor: Sensor): void {
    const { info, link } = sensor;
    const rows: [string, string][] = [[text.settings.id, sensor.id]];
    if (info?.firmware) rows.push([text.settings.firmware, info.firmware]);
    for (const stream of info?.streams ?? [])
      rows.push([text.settings.streams, text.settings.stream(stream.channels, streamKind(stream.kind), hertz(stream.rate_hz, 1))]);
    if (link) {
      const state = link.connected ? text.common.connected : text.common.notConnected;
      rows.push([text.settings.link, link.rssi_dbm === null ? state : text.settings.linkLevel(state, dbm(link.rssi_dbm))]);
      rows.push([text.settings.received, number(link.received_samples)], [text.settings.missing, number(link.lost_samples)]);
      rows.push([text.settings.recovered, number(link.backfilled_samples)], [text.settings.reconnects, number(link.reconnects)]);
      rows.push([text.settings.broken, number(link.broken_frames)]);
    }
    showFacts(this.facts, rows);
  }
}

/** The name of a kind of stream; a newer collector may send others than these. */
function streamKind(kind: string): string {
  const names: Record<string, string | undefined> = text.settings.streamKinds;
  return names[kind] ?? kind;
}

/** Show names and values; only what has changed is touched. */
export function showFacts(list: HTMLElement, rows: [string, string][]): void {
  rows.forEach(([name, value], i) => {
    let row = list.children[i];
    if (!row) list.append((row = make("div", {}, make("dt"), make("dd"))));
    setText(row.children[0]!, name);
    setText(row.children[1]!, value);
  });
  while (list.children.length > rows.length) list.lastElementChild?.remove();
}

export function makeSelect(options: [string, string][]): HTMLSelectElement {
  return make("select", {}, ...options.map(([value, name]) => make("option", { value }, name)));
}

export function makeField(name: string, input: HTMLElement): HTMLElement {
  return make("label", { class: "field" }, make("span", {}, name), input);
}
