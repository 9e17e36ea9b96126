/** The recordings kept: list, export, delete. */

import { make } from "../dom";
import type { View } from "../router";
import { text } from "../strings";

export class SessionsView implements View {
  readonly element = make("div", { class: "sessions" }, make("h1", {}, text.views["sessions"] ?? ""));
  readonly origin = "live";

  enter(): void {}

  leave(): void {}
}
