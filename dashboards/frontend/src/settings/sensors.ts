/** The sensors: how they are called, where they are worn, how their link fares. */

import { change } from "../api";
import { make, say, show } from "../dom";
import type { Model, Sensor } from "../live/model";
import { nameOf } from "../live/words";
import { muscleOf, MUSCLES, type MuscleId } from "../muscles";
import { text } from "../strings";
import { placementFigure } from "./foot";
import { number } from "./numbers";
import { words } from "./words";

type Side = "left" | "right" | "unknown";
const OTHER = "other";

export class SensorCards {
  readonly element = make("div", { class: "sensors" });
  private readonly empty = make("p", { class: "card muted" }, words.noSensors);
  private readonly cards = new Map<string, SensorCard>();

  constructor(private readonly model: Model) {
    this.element.append(this.empty);
  }

  refresh(): void {
    const sensors = this.model.ordered();
    show(this.empty, this.model.isKnown && sensors.length === 0);
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
  private readonly said = make("p", { class: "muted", role: "status" });
  private readonly name = make("input", { type: "text", maxlength: "60" });
  private readonly side: HTMLSelectElement;
  private readonly muscle: HTMLSelectElement;
  private readonly other = make("input", { type: "text", maxlength: "60", "aria-label": words.otherMuscle });
  private shown = "";

  constructor(private readonly id: string) {
    const sides: [string, string][] = (["left", "right", "unknown"] as const).map((side) => [side, words.sides[side]]);
    this.side = select(sides);
    const muscles = (Object.keys(MUSCLES) as MuscleId[]).map((muscle): [string, string] => [muscle, `${text.muscles[muscle]} (${muscle})`]);
    this.muscle = select([["", words.sides.unknown], ...muscles, [OTHER, words.other]]);
    const reset = make("button", { type: "button" }, words.reset);
    reset.addEventListener("click", () => void this.keep("DELETE"));
    const form = make(
      "form",
      {},
      field(words.name, this.name),
      field(words.side, this.side),
      field(words.muscle, this.muscle),
      this.other,
      make("div", { class: "deeds" }, make("button", { type: "submit", class: "primary" }, words.save), reset),
      this.said,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.keep("PUT");
    });
    for (const input of [this.side, this.muscle, this.other]) input.addEventListener("input", () => this.draw());
    this.element = make("section", { class: "card sensor", "data-sensor": id }, this.title, this.figure, form, this.facts);
  }

  refresh(sensor: Sensor): void {
    say(this.title, nameOf(sensor));
    this.refreshFacts(sensor);
    const { info } = sensor;
    const key = info ? [info.name, info.placement.side, info.placement.muscle].join("\n") : "";
    if (!info || key === this.shown) return; // what is being typed stays
    this.shown = key;
    this.name.value = info.name;
    this.side.value = info.placement.side;
    const known = muscleOf(info.placement.muscle);
    this.muscle.value = known ?? (info.placement.muscle ? OTHER : "");
    this.other.value = known ? "" : info.placement.muscle;
    this.draw();
  }

  private get written(): string {
    return this.muscle.value === OTHER ? this.other.value.trim() : this.muscle.value;
  }

  private draw(): void {
    show(this.other, this.muscle.value === OTHER);
    this.figure.replaceChildren(placementFigure(this.side.value as Side, this.written));
  }

  private async keep(method: "PUT" | "DELETE"): Promise<void> {
    const label = { name: this.name.value.trim(), side: this.side.value, muscle: this.written };
    try {
      await change(method, `/api/v1/sensors/${encodeURIComponent(this.id)}`, method === "PUT" ? label : undefined);
      this.shown = method === "DELETE" ? "" : this.shown;
      say(this.said, `${words.saved} ${words.savedNote}`);
    } catch (error) {
      say(this.said, error instanceof Error ? error.message : String(error));
    }
  }

  private refreshFacts(sensor: Sensor): void {
    const { info, link } = sensor;
    const rows: [string, string][] = [[words.id, sensor.id]];
    if (info?.firmware) rows.push([words.firmware, info.firmware]);
    for (const stream of info?.streams ?? [])
      rows.push([words.streams, words.stream(stream.channels, words.streamKinds[stream.kind] ?? stream.kind, number(stream.rate_hz, 1))]);
    if (link) {
      const rssi = link.rssi_dbm === null ? "" : `, ${String(link.rssi_dbm).replace("-", "−")} dBm`;
      rows.push([words.link, `${link.connected ? words.connected : text.linkWords.none}${rssi}`]);
      rows.push([words.received, number(link.received_samples)], [words.missing, number(link.lost_samples)]);
      rows.push([words.recovered, number(link.backfilled_samples)], [words.reconnects, number(link.reconnects)]);
      rows.push([words.broken, number(link.broken_frames)]);
    }
    facts(this.facts, rows);
  }
}

/** Show facts, touching only what has changed. */
export function facts(list: HTMLElement, rows: [string, string][]): void {
  rows.forEach(([name, value], i) => {
    let row = list.children[i];
    if (!row) list.append((row = make("div", {}, make("dt"), make("dd"))));
    say(row.children[0]!, name);
    say(row.children[1]!, value);
  });
  while (list.children.length > rows.length) list.lastElementChild?.remove();
}

export function select(options: [string, string][]): HTMLSelectElement {
  return make("select", {}, ...options.map(([value, name]) => make("option", { value }, name)));
}

export function field(name: string, input: HTMLElement): HTMLElement {
  return make("label", { class: "field" }, make("span", {}, name), input);
}
