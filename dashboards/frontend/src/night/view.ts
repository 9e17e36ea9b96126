/** One night: what happened, and when. */

import { make } from "../dom";
import type { View } from "../router";
import { text } from "../strings";

export class NightView implements View {
  readonly element = make("div", { class: "night" }, make("h1", {}, text.views["night"] ?? ""));
  readonly origin = "live";

  enter(): void {}

  leave(): void {}

  recolour(): void {}
}
