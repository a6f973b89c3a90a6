// The first code in every context: it takes away what scripts must not have, and gives them console, ctx and the
// host calls that their run has.
//
// It is evaluated as one line (prelude.py), so that every stack frame on line 1 is ours and every other the
// author's. For that: a comment has a line of its own, every statement ends with a semicolon.
// What the script can change (prototypes, globals) is never used after the script starts: everything is captured
// first and called through the captured Reflect.apply; no push, no spread, no for-of, no new index on an array.
// `port` is Python's. Only flat strings may be given to it: JSON.stringify's results and literals, never a `+`.
(function (port, offset) {
  "use strict";
  const global = globalThis;
  const { apply, defineProperty, deleteProperty, getPrototypeOf, setPrototypeOf } = Reflect;
  const { freeze, getOwnPropertyDescriptor, hasOwn } = Object;
  const { parse, stringify } = JSON;
  const { then } = Promise.prototype;
  const { indexOf, slice } = String.prototype;
  const Bytes = Uint8Array;
  const { fromBase64 } = Bytes;
  const { toBase64 } = Bytes.prototype;
  const kindOfArray = getOwnPropertyDescriptor(getPrototypeOf(Bytes.prototype), Symbol.toStringTag).get;
  const { bind } = getPrototypeOf(port);
  const enqueue = queueMicrotask;
  const { isError } = Error;
  const text = String;
  const Refusal = TypeError;
  const functionText = getPrototypeOf(port).toString;
  const engineErrors = InternalError.prototype;
  const syntaxErrors = SyntaxError.prototype;

  // Four function prototypes lead to four constructors that compile text.
  const refuse = function () { throw new Refusal("code generation from strings is not allowed"); };
  const locked = { value: refuse, writable: false, enumerable: false, configurable: false };
  defineProperty(getPrototypeOf(function () {}), "constructor", locked);
  defineProperty(getPrototypeOf(function* () {}), "constructor", locked);
  defineProperty(getPrototypeOf(async function () {}), "constructor", locked);
  defineProperty(getPrototypeOf(async function* () {}), "constructor", locked);
  // `await` and the captured `then` look these two up on the script's own promises.
  defineProperty(Promise.prototype, "constructor", { writable: false, configurable: false });
  defineProperty(Promise, Symbol.species, { configurable: false });
  for (const name of [
    "eval", "Function", "SharedArrayBuffer", "Atomics", "performance", "WeakRef", "FinalizationRegistry",
    "InternalError", "port"
  ]) deleteProperty(global, name);
  // The call sites it receives have getFunction(), which would hand out the functions of this file.
  deleteProperty(Error, "prepareStackTrace");
  // It writes any number and half a surrogate pair as they are; what reads the result could hold neither.
  deleteProperty(JSON, "rawJSON");
  deleteProperty(JSON, "isRawJSON");

  // The engine seeds by the microsecond, so two contexts could share a sequence. `offset` is the kernel's randomness.
  const random = Math.random;
  Math.random = () => { const sum = random() + offset; return sum < 1 ? sum : sum - 1; };

  let lineLimit = 0;
  const quote = (string, limit) => stringify(apply(slice, string, [0, limit]));
  const read = (object, key) => {
    try { const value = object[key]; return value === undefined ? "" : text(value); } catch { return ""; }
  };
  const title = (error) => `${read(error, "name")}: ${read(error, "message")}`;

  // What JSON cannot hold becomes a readable placeholder. `chain` is the path of objects that lead to `this`.
  // Python reads at most 200 levels, and the search for a circle takes time for each.
  const mostLevels = 100;
  const placeholders = () => {
    let chain = null;
    return function (key, value) {
      while (chain !== null && chain.value !== this) chain = chain.above;
      if (typeof value === "bigint") return `${text(value)}n`;
      if (typeof value === "symbol") return text(value);
      if (typeof value === "function") return `[Function: ${read(value, "name")}]`;
      if (typeof value !== "object" || value === null) return value;
      if (isError(value)) return title(value);
      for (let link = chain; link !== null; link = link.above) if (link.value === value) return "[Circular]";
      const level = chain === null ? 1 : chain.level + 1;
      if (level > mostLevels) return "[nested too deeply]";
      chain = { value, above: chain, level };
      return value;
    };
  };
  const json = (value) => {
    let out;
    // Whole or not at all: the first half of a secret could not be told from any text afterwards.
    try { out = stringify(value, placeholders()); } catch (error) { out = stringify(`[${title(error)}]`); }
    if (out === undefined) return "null";
    return out.length > lineLimit ? stringify(`[${out.length} characters left out]`) : out;
  };
  const format = (value) => {
    if (typeof value === "string") return value;
    if (typeof value === "function" || (typeof value === "object" && value !== null)) {
      return isError(value) ? title(value) : typeof value === "function" ? `[Function: ${read(value, "name")}]` : json(value);
    }
    return text(value);
  };

  // The arguments are replaced in place: a new array would have to be filled past the script's own setters.
  // The level is bound to port, so that a line is one call: between two, stack or memory could run out.
  // Before a script begins there is no limit yet, and Python cannot be called while it reads an error.
  const method = (level) => {
    const emit = apply(bind, port, [undefined, "log", level]);
    return (...args) => {
      if (lineLimit === 0) return;
      try {
        // Data beyond what a line can hold is all left out in the end, so it is not even written.
        let room = 2 * lineLimit;
        for (let i = 0; i < args.length; i++) {
          args[i] = room < 0 ? "0" : i === 0 ? quote(format(args[0]), lineLimit + 1) : json(args[i]);
          room -= args[i].length;
        }
        apply(emit, undefined, args);
      } catch {}
    };
  };
  const expose = (name, value) => defineProperty(global, name, { value, writable: false, enumerable: true, configurable: false });
  expose("console", freeze({
    debug: method("debug"), log: method("info"), info: method("info"), warn: method("warn"), error: method("error")
  }));

  // The reason is judged by the engine's own prototype, which no script can construct from, not by its text;
  // where a script could have made it, what is left of the memory decides.
  const kindOf = (reason) => {
    if (reason === null) return "doubt";
    const proto = typeof reason === "object" ? getPrototypeOf(reason) : undefined;
    if (proto !== engineErrors && proto !== syntaxErrors) return "error";
    const { message } = reason;
    if (proto === engineErrors && message === "out of memory") return "memory";
    // Without memory an error may lack its words, and a regular expression throws a SyntaxError, which a script can
    // throw too: the heap is asked.
    return message === "out of memory" || message === "" ? "doubt" : "error";
  };
  const fail = (reason) => {
    try {
      port("room");
      const kind = kindOf(reason);
      if (typeof reason === "object" && reason !== null && (isError(reason) || typeof reason.message === "string")) {
        port(kind, quote(read(reason, "name"), 256), quote(read(reason, "message"), 4096), quote(read(reason, "stack"), 8192));
      } else port(kind, "\"Uncaught\"", quote(typeof reason === "string" ? quote(reason, 4096) : format(reason), 4096), "\"\"");
    } catch { port("error", "\"Error\"", "\"the script threw something that cannot be described\"", "\"\""); }
  };
  const finish = (value) => {
    let out = "{}";
    try {
      if (value !== undefined && value !== null) out = stringify(value);
      if (out === undefined) out = "{}";
    } catch (error) {
      try {
        port("room");
        if (kindOf(error) !== "error" || !isError(error)) return fail(error);
        port("error", quote(read(error, "name"), 256), quote(`the result cannot be written as JSON: ${read(error, "message")}`, 4096), quote(read(error, "stack"), 8192));
      } catch { fail(error); }
      return;
    }
    if (out.length > 4194304) port("large", out.length);
    else port("value", out);
  };

  // An error that leaves a microtask would be described by the engine, which believes what the script says of it.
  const queued = (callback) => {
    if (typeof callback !== "function") throw new Refusal("queueMicrotask needs a function");
    enqueue(() => { try { callback(); } catch (error) { fail(error); } });
  };
  defineProperty(global, "queueMicrotask", { value: queued });

  const call = (name, find) => {
    let entry;
    try { entry = find(); } catch {}
    if (typeof entry !== "function" || global[name] === entry) {
      throw new Refusal(`entrypoint "${name}" is not a function in this script`);
    }
    return entry(global.input);
  };

  // Host calls. Each is sent as it is made, as long as fewer are under way than may be; the others wait in line.
  // The script's promise is settled by the answer. Its error is made now, so that its stack leads to the call.
  const Future = Promise;
  const Failure = Error;
  let host = { methods: { __proto__: null } };
  const underWay = { __proto__: null };
  let count = 0;
  let open = 0;
  let first = null;
  let last = null;
  const put = (object, key, value) =>
    defineProperty(object, key, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
  const reject = (call, name, code, message) => {
    put(call.error, "name", name);
    put(call.error, "message", message);
    put(call.error, "code", code);
    call.reject(call.error);
  };
  const refusals = {
    __proto__: null,
    ArgumentTooLarge: "the arguments of a host call may have at most 1 MB of JSON",
    ArgumentTooDeep: "the arguments of a host call are nested too deeply"
  };
  const send = (call) => {
    const answer = port("call", count + 1, call.method, call.text);
    call.text = "";
    if (answer === true) {
      count++;
      open++;
      underWay[count] = call;
    } else if (typeof answer === "string") {
      if (call.counts) host.calls++;
      reject(call, "RangeError", answer, refusals[answer]);
    }
  };
  const sendNext = () => {
    while (first !== null && open < host.pending) {
      const call = first;
      first = call.next;
      if (first === null) last = null;
      send(call);
    }
  };
  // Python stops the engine at its next look, which nothing can catch.
  const exceed = (error) => { port("calls", quote(read(error, "stack"), 4096)); for (;;); };
  const ask = (method, args, convert) => {
    const error = new Failure("");
    return new Future((resolve, reject) => {
      const text = stringify(args);
      // Only what the script hung on the prototypes of arrays makes anything else of a list.
      if (text === undefined || text[0] !== "[") throw new Refusal("the arguments cannot be written as JSON");
      const counts = host.methods[method];
      if (counts === undefined) throw new Refusal(`${method} is not there`);
      if (counts ? host.calls-- === 0 : host.free-- === 0) exceed(error);
      const call = { __proto__: null, method, text, counts, resolve, reject, convert, error, next: null };
      if (last !== null) { last.next = call; last = call; }
      else if (open < host.pending) send(call);
      else first = last = call;
    });
  };
  const settle = (number, isGood, text) => {
    const call = underWay[number];
    delete underWay[number];
    open--;
    const answer = parse(text);
    if (!isGood) reject(call, answer.name, answer.code, answer.message);
    else call.resolve(call.convert === undefined ? answer : call.convert(answer));
    sendNext();
  };
  const findWait = () => {
    for (const number in underWay) return read(underWay[number].error, "stack");
    return "";
  };

  // What a script has of each host API; `text` and `json` stay out of the JSON of a response.
  const respond = (response) => {
    if (hasOwn(response, "bodyBase64")) {
      const value = apply(fromBase64, Bytes, [response.bodyBase64]);
      delete response.bodyBase64;
      defineProperty(response, "body", { __proto__: null, value, writable: true, enumerable: true, configurable: true });
      return response;
    }
    const { body } = response;
    put(response, "text", () => body);
    put(response, "json", () => parse(body));
    return response;
  };
  const isBytes = (value) => apply(kindOfArray, value, []) === "Uint8Array";
  // JSON would write bytes as an object of numbers. What is no object of options is left for the host to refuse.
  const pack = (options, bytes) => {
    if (options !== undefined && typeof options !== "object") return options;
    return { ...options, bodyBase64: apply(toBase64, bytes, []) };
  };
  const bare = (method) => (url, options) => ask(method, [url, options], respond);
  const loaded = (method) => (url, data, options) =>
    ask(method, isBytes(data) ? [url, null, pack(options, data)] : [url, data, options], respond);
  const request = (options) => {
    const { body, ...others } = typeof options === "object" && options !== null ? options : {};
    return ask("http.request", [isBytes(body) ? pack(others, body) : options], respond);
  };
  const apis = {
    __proto__: null,
    http: () => ({
      get: bare("http.get"), delete: bare("http.delete"), post: loaded("http.post"), put: loaded("http.put"),
      patch: loaded("http.patch"), request
    }),
    scripts: () => ({ call: (name, input) => ask("scripts.call", [name, input]) })
  };
  const exposeApis = () => {
    let done = "";
    for (const method in host.methods) {
      const name = apply(slice, method, [0, apply(indexOf, method, ["."])]);
      if (name !== done && apis[name] !== undefined) expose(name, freeze(apis[name]()));
      done = name;
    }
  };

  // The only door: Python holds it, no script can reach it.
  return (operation, a, b, c, d) => {
    if (operation === "begin") {
      const context = parse(a, (key, value) => freeze(value));
      lineLimit = b;
      expose("ctx", context);
      expose("context", context);
      expose("input", context.input);
      // Without a prototype it has what the Script names, and nothing that was not named.
      const env = parse(c);
      setPrototypeOf(env, null);
      expose("env", freeze(env));
      host = parse(d);
      setPrototypeOf(host.methods, null);
      exposeApis();
    } else if (operation === "settle") {
      settle(a, b, c);
    } else if (operation === "waiting") {
      return quote(findWait(), 4096);
    } else if (operation === "utils") {
      expose("utils", a(ask, port));
    } else if (operation === "is_whole") {
      // Text that closes the wrapper early leaves a function that does not read like the whole wrapper.
      try { return apply(functionText, a, []) === b; } catch { return false; }
    } else if (operation === "run") {
      let find = null;
      const body = apply(a, undefined, b === null ? [] : [(thunk) => { find ??= thunk; }]);
      apply(then, b === null ? body : (async () => { await body; return call(b, find); })(), [finish, fail]);
    }
  };
})
