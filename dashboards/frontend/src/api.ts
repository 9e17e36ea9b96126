/** Asking the server to change something, and reading what it answers. */

import { text } from "./strings";
import { problemWords } from "./told/told";

/** What the server said when it refused, for people. */
export class RefusedError extends Error {}

/** The server could not be asked. */
export class UnreachedError extends Error {}

/** What a status says where the answer itself does not: what stands before our server answers plainly. */
const CODES: Record<number, string> = { 400: "unfit", 404: "not_there", 409: "not_now", 413: "too_much", 503: "away" };

/** Ask for a JSON answer. */
export async function ask<T>(path: string): Promise<T> {
  return (await answerTo(path)) as T;
}

/** Ask for a change. The header says that it is meant: no other site can send it (see `guard.py`). */
export async function change<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { "X-Crampwatch": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const content = body === undefined ? null : JSON.stringify(body);
  return (await answerTo(path, { method, headers, body: content })) as T;
}

async function answerTo(path: string, request?: RequestInit): Promise<unknown> {
  const answer = await fetch(path, request).catch(() => {
    throw new UnreachedError(text.unreached);
  });
  if (answer.status === 401) location.assign("/login");
  const content = await answer.text();
  if (!answer.ok) throw new RefusedError(refusal(answer, content));
  return content === "" ? undefined : JSON.parse(content);
}

/** What a refusal says, whichever way was asked. */
export function refusal(answer: { status: number; statusText: string }, content: string): string {
  const code = CODES[answer.status] ?? "";
  try {
    const said: unknown = JSON.parse(content);
    if (typeof said === "object" && said !== null && "error" in said)
      return problemWords("code" in said ? String(said.code) : code, String(said.error));
  } catch {
    // Plain words, then.
  }
  return problemWords(code, content.trim() || answer.statusText);
}
