/** What the wearer says of an episode: big targets, each tap kept at once, and taken back by another tap. */

import { change } from "../api";
import { make, mark, say, show } from "../dom";
import { text } from "./text";
import type { Help, Label, Verdict } from "./wire";

const VERDICTS: readonly Verdict[] = ["confirmed", "not_a_cramp", "unsure"];
const HELPS: readonly Help[] = ["stretch", "stand", "massage", "warmth", "nothing", "other"];

type Change = Partial<Pick<Label, "verdict" | "pain" | "woke" | "helped">>;

export class LabelForm {
  readonly element: HTMLElement;
  private readonly state = make("p", { class: "muted kept", role: "status" });
  private readonly retry = make("button", { type: "button", hidden: true }, text.again);
  private readonly parts: (() => void)[] = [];
  private label: Label = {};
  private pending: Change = {};
  private path = "";

  constructor(private readonly onKept: (label: Label) => void) {
    const verdict = this.group(text.what, VERDICTS, (one) => text.marks[one], (one) => this.label.verdict === one, (one) => ({
      verdict: this.label.verdict === one ? null : one,
    }));
    const pains = Array.from({ length: 11 }, (_, i) => i);
    const pain = this.group(`${text.pain} – ${text.painEnds}`, pains, String, (one) => this.label.pain === one, (one) => ({
      pain: this.label.pain === one ? null : one,
    }));
    const woke = this.group(text.woke, [true, false], (one) => (one ? text.yes : text.no), (one) => this.label.woke === one, (one) => ({
      woke: this.label.woke === one ? null : one,
    }));
    const helped = this.group(text.helped, HELPS, (one) => text.helps[one], (one) => (this.label.helped ?? []).includes(one), (one) => ({
      helped: HELPS.filter((known) => (known === one) !== (this.label.helped ?? []).includes(known)),
    }));
    pain.classList.add("pain");
    this.retry.addEventListener("click", () => void this.keep());
    this.element = make(
      "section",
      { class: "label-form", "aria-label": text.what },
      verdict,
      pain,
      make("div", { class: "pair" }, woke, helped),
      make("div", { class: "kept-row" }, this.state, this.retry),
      make("p", { class: "muted" }, text.whatHint),
    );
  }

  show(path: string, label: Label): void {
    this.path = path;
    this.label = label;
    this.pending = {};
    say(this.state, label.at_ns ? text.saved : "");
    mark(this.state, "state", "");
    show(this.retry, false);
    this.refresh();
  }

  /** Answer the first question from the keyboard: 1, 2 or 3. */
  press(number: number): void {
    const verdict = VERDICTS[number - 1];
    if (verdict) this.set({ verdict: this.label.verdict === verdict ? null : verdict });
  }

  private group<T>(legend: string, options: readonly T[], words: (option: T) => string, isSet: (option: T) => boolean, next: (option: T) => Change): HTMLElement {
    const buttons = options.map((option) => {
      const button = make("button", { type: "button", "aria-pressed": "false" }, words(option));
      button.addEventListener("click", () => this.set(next(option)));
      this.parts.push(() => button.setAttribute("aria-pressed", String(isSet(option))));
      return button;
    });
    return make("fieldset", { class: "answers" }, make("legend", {}, legend), make("div", { class: "options" }, ...buttons));
  }

  private refresh(): void {
    for (const refresh of this.parts) refresh();
  }

  private set(changed: Change): void {
    this.label = { ...this.label, ...changed };
    this.pending = { ...this.pending, ...changed };
    this.refresh();
    void this.keep();
  }

  private async keep(): Promise<void> {
    const [path, sent] = [this.path, this.pending];
    say(this.state, text.saving);
    mark(this.state, "state", "saving");
    show(this.retry, false);
    try {
      const label = await change<Label>("PATCH", path, sent);
      if (path !== this.path) return;
      // What was tapped meanwhile is on its way: only what was sent is settled.
      for (const key of Object.keys(sent) as (keyof Change)[]) if (this.pending[key] === sent[key]) delete this.pending[key];
      if (Object.keys(this.pending).length) return;
      this.label = label;
      this.refresh();
      say(this.state, text.saved);
      mark(this.state, "state", "saved");
      this.onKept(label);
    } catch (error) {
      if (path !== this.path) return;
      say(this.state, text.notSaved(error instanceof Error ? error.message : String(error)));
      mark(this.state, "state", "failed");
      show(this.retry, true);
    }
  }
}
