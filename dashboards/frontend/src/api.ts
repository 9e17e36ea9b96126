/** Asking the server to change something, and reading what it answers. */

/** What the server said when it refused, for people. */
export class RefusedError extends Error {}

/** Ask for a JSON answer. */
export async function ask<T>(path: string): Promise<T> {
  return (await answerOf(await fetch(path))) as T;
}

/** Ask for a change. The header says that it is meant: no other site can send it (see `guard.py`). */
export async function change<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { "X-Crampwatch": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const content = body === undefined ? null : JSON.stringify(body);
  return (await answerOf(await fetch(path, { method, headers, body: content }))) as T;
}

async function answerOf(answer: Response): Promise<unknown> {
  if (answer.status === 401) location.assign("/login");
  const text = await answer.text();
  if (!answer.ok) throw new RefusedError(refusal(text) || answer.statusText);
  return text === "" ? undefined : JSON.parse(text);
}

function refusal(text: string): string {
  try {
    const said: unknown = JSON.parse(text);
    if (typeof said === "object" && said !== null && "error" in said) return String(said.error);
  } catch {
    // Plain words, then.
  }
  return text.trim();
}
