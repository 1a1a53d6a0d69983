// A small HTTP server: runninghub-job-sync and feature flags over jobs in memory, and a built page beside them. The example
// page and the browser tests run against it.
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

export type JobStatus = "pending" | "queued" | "starting" | "running" | "completed" | "failed" | "cancelled";

/** One row, and what the provider would say about its task. A webhook that was lost is a difference between the two. */
export interface ServedJob {
  table: string;
  status: JobStatus;
  providerStatus: "running" | "completed" | "failed";
  outputUrl?: string;
  errorMessage?: string;
  /** Epoch milliseconds: when the server itself would end the job. */
  deadlineAt: number;
}

export interface JobServerOptions {
  /** The folder of the built page. */
  folder: string;
  contentSecurityPolicy: string;
  flags: Record<string, boolean | number>;
  /** Any free one without it. */
  port?: number;
  /** What else is answered: POST, JSON in and out. */
  routes?: Record<string, (body: unknown) => unknown>;
}

/** One request that arrived. */
export interface ServedRequest {
  path: string;
  /** Of a sync: the jobs that were asked about. */
  jobIds: string[];
  /** The page that asked. */
  page: string;
}

/** A refusal that is answered instead of the jobs, as long as it stands. */
export interface Refusal {
  httpStatus: number;
  headers?: Record<string, string>;
}

const mediaTypes: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
};

const terminal: readonly string[] = ["completed", "failed", "cancelled"];

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}

interface Reply {
  httpStatus: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

function jsonReply(httpStatus: number, body?: unknown, headers: Record<string, string> = {}): Reply {
  const everyone = {
    "Content-Type": "application/json",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "authorization, apikey, content-type, x-client-info",
    "Access-Control-Expose-Headers": "Retry-After",
  };
  return {
    httpStatus,
    headers: { ...everyone, ...headers },
    body: body === undefined ? "" : JSON.stringify(body),
  };
}

export class JobServer {
  readonly jobs = new Map<string, ServedJob>();
  readonly requests: ServedRequest[] = [];
  refusal: Refusal | undefined;
  readonly #options: JobServerOptions;
  readonly #flags: Record<string, boolean | number>;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  private constructor(options: JobServerOptions) {
    this.#options = options;
    this.#flags = { ...options.flags };
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((thrown: unknown) => {
        response.writeHead(500).end(String(thrown));
      });
    });
  }

  static async start(options: JobServerOptions): Promise<JobServer> {
    const server = new JobServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject);
      server.#server.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  setFlag(name: string, value: boolean | number): void {
    this.#flags[name] = value;
  }

  /** How often somebody asked about the job. */
  asksFor(jobId: string): number {
    return this.requests.filter((request) => request.jobIds.includes(jobId)).length;
  }

  /** Resolves when `holds` does; it is looked at again after each request. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const served: ServedRequest = { path, jobIds: [], page: request.headers.referer ?? "" };
    this.requests.push(served);
    response.once("close", () => {
      for (const look of [...this.#waiting]) look();
    });
    const reply = await this.#replyTo(request, served);
    response.writeHead(reply.httpStatus, reply.headers).end(reply.body);
  }

  async #replyTo(request: IncomingMessage, served: ServedRequest): Promise<Reply> {
    if (request.method === "OPTIONS") return jsonReply(204);
    if (served.path === "/functions/v1/runninghub-job-sync") return this.#sync(await bodyOf(request), served);
    if (served.path === "/functions/v1/feature-flags") return this.#changeFlags(await bodyOf(request));
    if (served.path === "/ofrep/v1/evaluate/flags") return this.#evaluateFlags(request);
    const route = this.#options.routes?.[served.path];
    if (route !== undefined) return jsonReply(200, route(await bodyOf(request)));
    return this.#file(served.path);
  }

  #sync(body: unknown, served: ServedRequest): Reply {
    const { jobs, jobId } = body as { jobs?: { jobId: string }[]; jobId?: string };
    served.jobIds = jobs === undefined ? [jobId ?? ""] : jobs.map((job) => job.jobId);
    if (this.refusal !== undefined) {
      return jsonReply(this.refusal.httpStatus, { error: "refused" }, this.refusal.headers);
    }
    const results = served.jobIds.map((id) => this.#look(id));
    if (jobs !== undefined) return jsonReply(200, { results });
    return jsonReply(results.some((result) => "httpStatus" in result) ? 404 : 200, results[0]);
  }

  /** Looks at one job again: what the provider says is taken into the row. */
  #look(jobId: string): object {
    const job = this.jobs.get(jobId);
    if (job === undefined) return { jobId, httpStatus: 404, synced: false };
    const wasTerminal = terminal.includes(job.status);
    const ends = !wasTerminal && job.providerStatus !== "running";
    if (ends) job.status = job.providerStatus;
    const { table, status, outputUrl, errorMessage } = job;
    return {
      table,
      jobId,
      synced: ends,
      status,
      reason: wasTerminal ? "already_terminal" : ends ? undefined : "still_processing",
      outputUrl: status === "completed" ? outputUrl : undefined,
      errorMessage: status === "failed" ? errorMessage : undefined,
      serverNow: new Date().toISOString(),
      deadlineAt: new Date(job.deadlineAt).toISOString(),
    };
  }

  #changeFlags(changes: unknown): Reply {
    Object.assign(this.#flags, changes);
    return jsonReply(200, this.#flags);
  }

  #evaluateFlags(request: IncomingMessage): Reply {
    const flags = Object.entries(this.#flags).map(([key, value]) => ({ key, value, reason: "STATIC" }));
    const etag = `"${Buffer.from(JSON.stringify(flags)).toString("base64url")}"`;
    return request.headers["if-none-match"] === etag
      ? jsonReply(304)
      : jsonReply(200, { flags }, { ETag: etag });
  }

  async #file(path: string): Promise<Reply> {
    const name = normalize(path === "/" ? "/index.html" : path);
    const bytes = await readFile(join(this.#options.folder, name)).catch(() => undefined);
    if (bytes === undefined) return jsonReply(404, { error: "not found" });
    const headers = {
      "Content-Type": mediaTypes[extname(name)] ?? "application/octet-stream",
      "Content-Security-Policy": this.#options.contentSecurityPolicy,
      "Cache-Control": "no-store",
    };
    return { httpStatus: 200, headers, body: bytes };
  }
}
