/** Muscles that sensors are worn on, and recognising one in what a person or a sensor wrote. */

export type MuscleId =
  | "abductor hallucis"
  | "flexor hallucis brevis"
  | "flexor digitorum brevis"
  | "abductor digiti minimi"
  | "extensor digitorum brevis"
  | "gastrocnemius"
  | "soleus"
  | "tibialis anterior";

/** Ordered by how often they cramp at night; each with the words people use for it. */
export const MUSCLES: Record<MuscleId, RegExp> = {
  "abductor hallucis": /arch|hallucis abd|abductor hall/i,
  "flexor hallucis brevis": /big toe|hallux|flexor hall/i,
  "flexor digitorum brevis": /\bsole\b|flexor dig|toes/i,
  "abductor digiti minimi": /little toe|outer edge|digiti minimi/i,
  "extensor digitorum brevis": /\btop\b|dorsum|extensor/i,
  gastrocnemius: /^calf|gastroc/i,
  soleus: /soleus|lower calf/i,
  "tibialis anterior": /shin|tibialis/i,
};

/** The muscle meant by `written`, or null if it is none of these. */
export function muscleOf(written: string): MuscleId | null {
  const ids = Object.keys(MUSCLES) as MuscleId[];
  return ids.find((id) => id === written.trim().toLowerCase()) ?? ids.find((id) => MUSCLES[id].test(written)) ?? null;
}
