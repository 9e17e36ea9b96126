/** Requests to the server, and why one failed, in words for people. */

import { text } from "./i18n";
import { problemText } from "./i18n/server";

/** The server refused; the message says why, for people. */
export class RefusedError extends Error {
  constructor(
    message: string,
    /** A `ProblemCode` of the server, or what its status stands for. */
    readonly code: string,
  ) {
    super(message);
  }
}

/** The server did not answer. */
export class UnreachableError extends Error {}

/** What a status stands for if the answer holds no code: a proxy in front of the server answers in plain text. */
const CODES: Record<number, string> = { 400: "unfit", 404: "not_there", 409: "not_now", 413: "too_much", 503: "away" };

export async function getJson<T>(path: string): Promise<T> {
  return (await fetchJson(path)) as T;
}

/** Request a change. Other sites cannot send the header, so it shows that the page itself asks (see `web/http/middleware.py`). */
export async function sendJson<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { "X-Crampwatch": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const content = body === undefined ? null : JSON.stringify(body);
  return (await fetchJson(path, { method, headers, body: content })) as T;
}

async function fetchJson(path: string, request?: RequestInit): Promise<unknown> {
  const response = await fetch(path, request).catch(() => {
    throw new UnreachableError(text.shell.unreachable);
  });
  if (response.status === 401) location.assign("/login");
  const content = await response.text();
  if (!response.ok) throw refusalOf(response, content);
  return content === "" ? undefined : JSON.parse(content);
}

/** Read a refusal, whichever way the request was made. */
export function refusalOf(response: { status: number; statusText: string }, content: string): RefusedError {
  const code = CODES[response.status] ?? "";
  try {
    const problem: unknown = JSON.parse(content);
    if (typeof problem === "object" && problem !== null && "error" in problem) {
      const exact = "code" in problem ? String(problem.code) : code;
      return new RefusedError(problemText(exact, String(problem.error)), exact);
    }
  } catch {
    // Not JSON: plain text, then.
  }
  return new RefusedError(problemText(code, content.trim() || response.statusText), code);
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
