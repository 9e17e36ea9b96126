/** Line icons; kinds and states differ in shape, not only in colour, for people who cannot distinguish colours. */

import type { ViewName } from "./router";
import type { Kind, State } from "./schema";

export const KIND_ICONS: Record<Kind, string> = {
  cramp: "M1 11h2l1.2-7 1.4 8 1.4-9 1.4 9.500 1.4-9 1.400 8 1.200-7 1 6.500h1.600",
  twitch: "M1 11h5l2-8 2 8h5",
  leg_movement: "M1 11h3c1-5 2-6 4-6s3 1 4 6h3",
  movement: "M2 8h12M5 5L2 8l3 3M11 5l3 3-3 3",
  rhythmic: "M1 8c1.200-5 2.300-5 3.500 0s2.300 5 3.500 0 2.300-5 3.500 0 2.300 5 3.500 0",
  artefact: "M3 3l10 10M13 3L3 13",
};

export const STATE_ICONS: Record<State, string> = {
  rest: "M3 8h10",
  active: "M2 10l3-4 3 5 3-7 3 6",
  cramp: "M8 2l6.500 12h-13zM8 6.500v3.500M8 12v.4",
  poor_signal: "M2 13v-2M6 13V9M10 13V6M14 3l-3 3M11 3l3 3",
  off_body: "M8 2a6 6 0 100 12A6 6 0 008 2zM4 4l8 8",
  no_data: "M8 2a6 6 0 100 12A6 6 0 008 2zM5 8h6",
};

export const ICONS = {
  temperature: "M8 2.500a1.500 1.500 0 00-1.500 1.500v5a3 3 0 103 0V4A1.500 1.500 0 008 2.500zM8 7v4",
  battery: "M2 5h10v6H2zM12 7h2v2h-2M4 7v2M6 7v2M8 7v2",
  link: "M8 13v-3M5 7.500a4 4 0 016 0M2.500 5a7.500 7.500 0 0111 0M8 10v.2",
  notice: "M8 2a6 6 0 100 12A6 6 0 008 2zM8 5v4M8 11v.4",
  display: "M8 5.500a2.500 2.500 0 100 5 2.500 2.500 0 000-5zM8 1.500v2M8 12.500v2M1.500 8h2M12.500 8h2M3.400 3.400l1.400 1.400M11.200 11.200l1.400 1.400M3.400 12.600l1.400-1.400M11.200 4.800l1.400-1.400",
  good: "M3 8.500l3.200 3.200L13 4.800",
  warn: "M8 2l6.500 12h-13zM8 6.500v3.500M8 12v.4",
  wait: "M8 2a6 6 0 100 12A6 6 0 008 2zM8 5v3.500l2 1.500",
  optional: "M8 2a6 6 0 100 12A6 6 0 008 2zM8 5v3.500l2 1.500",
} as const;

export const NAV_ICONS: Record<ViewName, string> = {
  live: "M1 8.500h3l1.500-5 3 9.500 2-6.500 1 2h3.500",
  night: "M13 9.800A5.500 5.500 0 016.200 3 5.500 5.500 0 1013 9.800z",
  sessions: "M2.500 3.500h11v3h-11zM3.500 6.500v6.500h9V6.500M6.500 9h3",
  settings: "M2 4.500h6M11 4.500h3M9.500 3v3M2 11.500h2M7 11.500h7M5.500 10v3",
};
