/**
 * What a Script finds in its sandbox. The body of a Script is the body of an async function in strict mode: `return`
 * and `await` work at its top level. To check a script, put it into an async function in a file beside this one.
 */

/** What JSON can hold. */
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** Who runs what, and why. */
interface ScriptContext {
  /** The namespace. */
  tenant: { id: string; name: string; organizationId: string | null };
  /** Who asked for the run; null where unknown. For an Endpoint it is what its `auth` says: `id`, and maybe more. */
  user: { id: string; name?: string; email?: string | null; [more: string]: any } | null;
  script: {
    id: string;
    name: string;
    /** embedded is a Script that another one called, or that was invoked inside the cluster. */
    type: "cron" | "endpoint" | "one_off" | "embedded";
    version: number | null;
  };
  execution: {
    id: string;
    name: string;
    triggeredBy: "manual" | "cron" | "api" | "event" | "system";
    attempt: number;
    /** The slot that this is the run of; null for a run that no schedule fired. */
    scheduledTime: string | null;
    /** When the last run of the schedule that succeeded ended; null without a schedule, or before the first. */
    lastSuccessfulTime: string | null;
    /** The next five slots of the schedule. */
    upcoming: string[];
  };
  input: any;
  tenantId: string;
  userId: string | null;
  organizationId: string | null;
}

declare const ctx: DeepReadonly<ScriptContext>;
declare const context: DeepReadonly<ScriptContext>;

/** The run's input, deeply frozen. */
declare const input: any;

/** What a Script that answers an HTTP request was asked; deeply frozen but for the bytes of its body. */
interface ScriptRequest {
  method: string;
  /** As it came: in canonical form, escapes and all. */
  path: string;
  /** The parameters of the path, decoded. */
  params: { [name: string]: string };
  /** A list where a name was given several times. */
  query: { [name: string]: string | string[] };
  /** Names in lower case. */
  headers: { [name: string]: string };
  cookies: { [name: string]: string };
  /** The caller's address. */
  ip: string;
  id: string;
  /** Empty where there is none. */
  body: Uint8Array;
  /** The body as UTF-8. */
  text(): string;
  /** The body as JSON; a SyntaxError where it is none. */
  json(): any;
}

/** Only there for a Script that answers an HTTP request. */
declare const request: Readonly<Omit<ScriptRequest, "params" | "query" | "headers" | "cookies">> & {
  readonly [part in "params" | "query" | "headers" | "cookies"]: DeepReadonly<ScriptRequest[part]>;
};

type ScriptHeaderValue = string | number;

/**
 * What such a Script returns to choose more than the body; it has no other keys. All else it returns is a body too:
 * 200, or 204 for undefined and null.
 */
interface ScriptResponse {
  /** A whole number from 200 to 599. */
  status: number;
  /** A list is as many lines, as Set-Cookie needs it. */
  headers?: { [name: string]: ScriptHeaderValue | ScriptHeaderValue[] } | null;
  /** A string is sent as text, bytes as they are, anything else as JSON. */
  body?: unknown;
}

/** The values that the Script's spec.env names. */
declare const env: { readonly [name: string]: string };

interface ScriptConsole {
  debug(message?: unknown, ...data: unknown[]): void;
  /** The same as info. */
  log(message?: unknown, ...data: unknown[]): void;
  info(message?: unknown, ...data: unknown[]): void;
  warn(message?: unknown, ...data: unknown[]): void;
  error(message?: unknown, ...data: unknown[]): void;
}

declare const console: ScriptConsole;

/** What a host function's promise is rejected with. */
interface HostError extends Error {
  /** What went wrong, in one word: PermissionDenied, ScriptNotFound, ArgumentTooLarge, ... */
  code: string;
}

/** A Date, milliseconds since 1970, or ISO 8601 text (in UTC, where it has no offset). */
type DateLike = Date | number | string;

/** UTC, or an offset such as +05:00: known here, so the result is there at once. */
type FixedZone = "UTC" | "Z" | `${"+" | "-"}${number}` | `${"+" | "-"}${number}:${number}`;

type DateUnit = "millisecond" | "second" | "minute" | "hour" | "day" | "week" | "month" | "quarter" | "year";
type DateUnits = `${DateUnit}s`;
type DateAmounts = { [unit in DateUnit | DateUnits]?: number };

interface DateParts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
  /** From 1, Monday, to 7. */
  weekday: number;
  offsetMinutes: number;
}

/**
 * Dates. In UTC, which is the default, and at fixed offsets results are there at once; for a zone with a name, such as
 * Asia/Tashkent, they are promises.
 */
interface ScriptDates {
  now(): Date;
  /** Tokens: YYYY YY MMMM MMM MM M DD D dddd ddd HH H hh h mm m ss s SSS A Z ZZ and [text as it is]. */
  format(date: DateLike, pattern?: string | null, zone?: FixedZone): string;
  format(date: DateLike, pattern: string | null | undefined, zone: string): Promise<string>;
  /** Without a pattern: ISO 8601. */
  parse(text: string, pattern?: string | null, zone?: FixedZone): Date;
  parse(text: string, pattern: string | null | undefined, zone: string): Promise<Date>;
  /** Days and larger units by the calendar of the zone, smaller ones by the clock. */
  add(date: DateLike, amounts: DateAmounts, zone?: FixedZone): Date;
  add(date: DateLike, amounts: DateAmounts, zone: string): Promise<Date>;
  /** a - b in whole units, cut towards 0; in milliseconds without a unit. */
  diff(a: DateLike, b: DateLike, unit?: DateUnit | DateUnits | null, zone?: FixedZone): number;
  diff(a: DateLike, b: DateLike, unit: DateUnit | DateUnits, zone: string): Promise<number>;
  /** Weeks begin on Monday. */
  startOf(date: DateLike, unit: DateUnit | DateUnits, zone?: FixedZone): Date;
  startOf(date: DateLike, unit: DateUnit | DateUnits, zone: string): Promise<Date>;
  /** The last millisecond of it. */
  endOf(date: DateLike, unit: DateUnit | DateUnits, zone?: FixedZone): Date;
  endOf(date: DateLike, unit: DateUnit | DateUnits, zone: string): Promise<Date>;
  parts(date: DateLike, zone?: FixedZone): DateParts;
  parts(date: DateLike, zone: string): Promise<DateParts>;
}

interface ScriptUtils {
  /** A random UUID, version 4. */
  uuid(): string;
  readonly date: ScriptDates;
}

/** Calls of it do not count towards limits.apiCalls. */
declare const utils: ScriptUtils;

type HttpMethod = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";

type HttpQueryValue = string | number | boolean | null | undefined;

interface HttpOptions {
  headers?: { [name: string]: string };
  /** Put behind the URL's own query. */
  query?: { [name: string]: HttpQueryValue | HttpQueryValue[] };
  /** For the request with all its redirects; 30000 without a word, and never more than is left of the run. */
  timeoutMs?: number;
  /** follow, at most 5, without a word; manual gives the redirect itself, error makes it an HttpError. */
  redirect?: "follow" | "manual" | "error";
  /** text without a word. */
  responseType?: "text" | "bytes";
}

interface HttpBytesOptions extends HttpOptions {
  responseType: "bytes";
}

interface HttpTarget {
  url: string;
  /** GET without a word. */
  method?: HttpMethod | Lowercase<HttpMethod>;
  /** A text, bytes (at most about 750 KB), or a value that is sent as JSON. */
  body?: unknown;
}

interface HttpAnswer {
  status: number;
  /** Names in lower case. */
  headers: { [name: string]: string };
  setCookie: string[];
  /** Where the answer came from, after all redirects. */
  url: string;
  redirected: boolean;
}

interface HttpResponse extends HttpAnswer {
  body: string;
  text(): string;
  json(): any;
}

interface HttpBytesResponse extends HttpAnswer {
  body: Uint8Array;
}

/** What a call of http is rejected with. */
interface HttpError extends HostError {
  name: "HttpError";
  code:
    | "INVALID_REQUEST"
    | "INVALID_URL"
    | "HEADER_NOT_ALLOWED"
    | "REQUEST_TOO_LARGE"
    | "HOST_NOT_ALLOWED"
    | "ADDRESS_NOT_ALLOWED"
    | "HOST_NOT_FOUND"
    | "CONNECTION_FAILED"
    | "TLS_FAILED"
    | "PROXY_FAILED"
    | "TIMEOUT"
    | "CIRCUIT_OPEN"
    | "REDIRECT_REFUSED"
    | "TOO_MANY_REDIRECTS"
    | "INVALID_RESPONSE"
    | "RESPONSE_TOO_LARGE"
    | "TOO_MUCH_UNDER_WAY";
}

/** HTTP to the hosts of permissions.http.allow. Every status is an answer, also 404 and 500. */
interface ScriptHttp {
  get(url: string, options: HttpBytesOptions): Promise<HttpBytesResponse>;
  get(url: string, options?: HttpOptions | null): Promise<HttpResponse>;
  delete(url: string, options: HttpBytesOptions): Promise<HttpBytesResponse>;
  delete(url: string, options?: HttpOptions | null): Promise<HttpResponse>;
  post(url: string, data: unknown, options: HttpBytesOptions): Promise<HttpBytesResponse>;
  post(url: string, data?: unknown, options?: HttpOptions | null): Promise<HttpResponse>;
  put(url: string, data: unknown, options: HttpBytesOptions): Promise<HttpBytesResponse>;
  put(url: string, data?: unknown, options?: HttpOptions | null): Promise<HttpResponse>;
  patch(url: string, data: unknown, options: HttpBytesOptions): Promise<HttpBytesResponse>;
  patch(url: string, data?: unknown, options?: HttpOptions | null): Promise<HttpResponse>;
  request(options: HttpBytesOptions & HttpTarget): Promise<HttpBytesResponse>;
  request(options: HttpOptions & HttpTarget): Promise<HttpResponse>;
}

declare const http: ScriptHttp;

/** Other Scripts of the namespace. */
interface ScriptCalls {
  /** Runs a Script of permissions.scripts and gives its output: an object, or {value} around anything else. */
  call(name: string, input?: object | null): Promise<any>;
}

declare const scripts: ScriptCalls;
