// Requests to the API and the errors they end in.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly help: string | null,
    /** Seconds after which the server wants to be asked again; `null`: it did not say. */
    readonly retryAfter: number | null,
  ) {
    super(message);
  }

  /** Whether the same request may succeed later. `status` 0: the server was not reached. */
  get temporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

export interface Ask {
  method?: string;
  body?: unknown;
  /** A body that is sent as it is. */
  raw?: Blob;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Where the API is: this page's own origin, or the one that a script on another page came from. */
export const api = { origin: location.origin };

/** Asks the API. Throws an `ApiError`, always. */
export async function ask<T>(path: string, options: Ask = {}): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  let body: BodyInit | null = null;
  if (options.raw !== undefined) {
    body = options.raw;
  } else if (options.body !== undefined) {
    body = JSON.stringify(options.body);
    headers["content-type"] = "application/json";
  }
  let response: Response;
  let text: string;
  try {
    response = await fetch(api.origin + path, {
      method: options.method ?? (body === null ? "GET" : "POST"),
      headers,
      body,
      cache: "no-store",
      // Long enough for a big file on a slow line, short enough that nobody waits for a dead one.
      signal: options.signal ?? AbortSignal.timeout(options.raw === undefined ? 20_000 : 120_000),
    });
    text = await response.text();
  } catch {
    throw new ApiError(0, "unreachable", "the server could not be reached", null, null);
  }
  let parsed: unknown = null;
  if (text !== "") {
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = null;
    }
  }
  if (response.ok) return parsed as T;
  const error = (parsed as { error?: { code?: string; message?: string; help?: string } } | null)?.error;
  const after = Number(response.headers.get("retry-after"));
  throw new ApiError(
    response.status,
    error?.code ?? "unknown",
    error?.message ?? `the server answered ${response.status}`,
    error?.help ?? null,
    response.headers.has("retry-after") && Number.isFinite(after) ? after : null,
  );
}

/** An id that no other sender chooses. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
