/** Counts with their noun, for languages with one singular and one plural form. */

/** "1 twitch", "0 twitches", "2 twitches". */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
