/** Names and units that several views use. */

import type { MuscleId } from "../../muscles";
import type { Kind, Side } from "../../schema";
import { counted } from "../plural";

export const common = {
  title: "crampwatch",
  /** Shown in place of a value that is not available. */
  unknown: "–",
  units: { uV: "µV", relative: "rel.", "": "" },
  percent: (value: string): string => `${value}\u00a0%`,
  celsius: (value: string): string => `${value}\u00a0°C`,
  hertz: (value: string): string => `${value}\u00a0Hz`,
  dbm: (value: string): string => `${value}\u00a0dBm`,
  durations: {
    seconds: (s: string): string => `${s}\u00a0s`,
    minutes: (min: string): string => `${min}\u00a0min`,
    minutesSeconds: (min: string, s: string): string => `${min}\u00a0min ${s}\u00a0s`,
    hoursMinutes: (h: string, min: string): string => `${h}\u00a0h ${min}\u00a0min`,
  },
  sizes: { kB: "kB", MB: "MB", GB: "GB", TB: "TB" },
  feet: { left: "Left foot", right: "Right foot", unknown: "" } satisfies Record<Side, string>,
  sides: { left: "left", right: "right", unknown: "" } satisfies Record<Side, string>,
  /** "left arch"; either may be empty. */
  place: (side: string, muscle: string): string => [side, muscle].filter(Boolean).join(" "),
  muscles: {
    "abductor hallucis": "arch",
    "flexor hallucis brevis": "big toe",
    "flexor digitorum brevis": "sole",
    "abductor digiti minimi": "outer edge",
    "extensor digitorum brevis": "top of the foot",
    gastrocnemius: "calf",
    soleus: "lower calf",
    "tibialis anterior": "shin",
  } satisfies Record<MuscleId, string>,
  channel: (number: number): string => `Channel ${number}`,
  kinds: {
    cramp: "Likely cramp",
    twitch: "Twitch",
    leg_movement: "Leg movement",
    movement: "Movement",
    rhythmic: "Rhythmic movement",
    artefact: "Noisy signal",
  } satisfies Record<Kind, string>,
  kindCounts: {
    cramp: (count: number): string => counted(count, "likely cramp", "likely cramps"),
    twitch: (count: number): string => counted(count, "twitch", "twitches"),
    leg_movement: (count: number): string => counted(count, "leg movement", "leg movements"),
    movement: (count: number): string => counted(count, "movement", "movements"),
    rhythmic: (count: number): string => counted(count, "rhythmic movement", "rhythmic movements"),
    artefact: (count: number): string => counted(count, "noisy section", "noisy sections"),
    retracted: (count: number): string => `${count} withdrawn`,
  } satisfies Record<Kind | "retracted", (count: number) => string>,
  withdrawn: (kind: string): string => `Withdrawn: ${kind}`,
  confidence: (percent: string): string => `${percent} confidence`,
  noReasons: "No reasons were given.",
  connected: "connected",
  notConnected: "not connected",
  close: "Close",
  cancel: "Cancel",
  remove: "Remove",
};
