/** Numbers of episodes by kind, as text. */

import type { Kind } from "../schema";
import { text } from "./index";

export type KindCounts = Partial<Record<Kind | "retracted", number>>;

/** ["1 likely cramp", "12 twitches", "1 withdrawn"]; kinds without episodes are left out. */
export function countTexts(counts: KindCounts): string[] {
  const kinds = Object.keys(text.common.kindCounts) as (Kind | "retracted")[];
  return kinds.flatMap((kind) => {
    const count = counts[kind] ?? 0;
    return count ? [text.common.kindCounts[kind](count)] : [];
  });
}
