/** The wearer's answers about an episode: big targets; each tap is saved at once, and another tap undoes it. */

import { errorText, sendJson } from "../api";
import { make, setData, setText, show } from "../dom";
import { text } from "../i18n";
import type { Help, Label, Verdict } from "./schema";

const VERDICTS: readonly Verdict[] = ["confirmed", "not_a_cramp", "unsure"];
const HELPS: readonly Help[] = ["stretch", "stand", "massage", "warmth", "nothing", "other"];

type Change = Partial<Pick<Label, "verdict" | "pain" | "woke" | "helped">>;

export class LabelForm {
  readonly element: HTMLElement;
  private readonly state = make("p", { class: "muted save-state", role: "status" });
  private readonly retry = make("button", { type: "button", hidden: true }, text.night.again);
  private readonly parts: (() => void)[] = [];
  private label: Label = {};
  private pending: Change = {};
  private path = "";

  constructor(private readonly onSaved: (label: Label) => void) {
    const verdict = this.makeGroup(text.night.what, VERDICTS, (one) => text.night.verdicts[one], (one) => this.label.verdict === one, (one) => ({
      verdict: this.label.verdict === one ? null : one,
    }));
    const pains = Array.from({ length: 11 }, (_, i) => i);
    const pain = this.makeGroup(text.night.pain, pains, String, (one) => this.label.pain === one, (one) => ({
      pain: this.label.pain === one ? null : one,
    }));
    const woke = this.makeGroup(text.night.woke, [true, false], (one) => (one ? text.night.yes : text.night.no), (one) => this.label.woke === one, (one) => ({
      woke: this.label.woke === one ? null : one,
    }));
    const helped = this.makeGroup(text.night.helped, HELPS, (one) => text.night.helps[one], (one) => (this.label.helped ?? []).includes(one), (one) => ({
      helped: HELPS.filter((help) => (help === one) !== (this.label.helped ?? []).includes(help)),
    }));
    pain.classList.add("pain");
    this.retry.addEventListener("click", () => void this.save());
    this.element = make(
      "section",
      { class: "label-form", "aria-label": text.night.what },
      verdict,
      pain,
      make("div", { class: "pair" }, woke, helped),
      make("div", { class: "save-row" }, this.state, this.retry),
      make("p", { class: "muted" }, text.night.whatHint),
    );
  }

  show(path: string, label: Label): void {
    this.path = path;
    this.label = label;
    this.pending = {};
    setText(this.state, label.at_ns ? text.night.saved : "");
    setData(this.state, "state", "");
    show(this.retry, false);
    this.refresh();
  }

  /** Answer the first question from the keyboard: 1, 2 or 3. */
  pressVerdict(number: number): void {
    const verdict = VERDICTS[number - 1];
    if (verdict) this.setAnswers({ verdict: this.label.verdict === verdict ? null : verdict });
  }

  private makeGroup<T>(legend: string, options: readonly T[], labelOf: (option: T) => string, isSet: (option: T) => boolean, next: (option: T) => Change): HTMLElement {
    const buttons = options.map((option) => {
      const button = make("button", { type: "button", "aria-pressed": "false" }, labelOf(option));
      button.addEventListener("click", () => this.setAnswers(next(option)));
      this.parts.push(() => button.setAttribute("aria-pressed", String(isSet(option))));
      return button;
    });
    return make("fieldset", { class: "answers" }, make("legend", {}, legend), make("div", { class: "options" }, ...buttons));
  }

  private refresh(): void {
    for (const refresh of this.parts) refresh();
  }

  private setAnswers(changed: Change): void {
    this.label = { ...this.label, ...changed };
    this.pending = { ...this.pending, ...changed };
    this.refresh();
    void this.save();
  }

  private async save(): Promise<void> {
    const [path, sent] = [this.path, this.pending];
    setText(this.state, text.night.saving);
    setData(this.state, "state", "saving");
    show(this.retry, false);
    try {
      const label = await sendJson<Label>("PATCH", path, sent);
      if (path !== this.path) return;
      // Answers tapped meanwhile are still on their way: only those that were sent are saved.
      for (const key of Object.keys(sent) as (keyof Change)[]) if (this.pending[key] === sent[key]) delete this.pending[key];
      if (Object.keys(this.pending).length) return;
      this.label = label;
      this.refresh();
      setText(this.state, text.night.saved);
      setData(this.state, "state", "saved");
      this.onSaved(label);
    } catch (error) {
      if (path !== this.path) return;
      setText(this.state, text.night.notSaved(errorText(error)));
      setData(this.state, "state", "failed");
      show(this.retry, true);
    }
  }
}
