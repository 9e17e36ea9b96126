/** How things are, and how they shall be: sensors, thresholds, disk, versions. */

import { make } from "../dom";
import type { Live } from "../live/live";
import type { View } from "../router";
import { text } from "../strings";

export class SettingsView implements View {
  readonly element = make("div", { class: "settings" }, make("h1", {}, text.views["settings"] ?? ""));
  readonly origin = "live";

  constructor(private readonly live: Live) {}

  enter(): void {
    void this.live;
  }

  leave(): void {}
}
