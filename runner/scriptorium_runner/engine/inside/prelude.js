// The first code in every context: it takes away what scripts must not have, and gives them console, ctx, input and
// env. What only some need stands beside it and is evaluated in the same way: calls.js, utils.js, request.js.
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
  const { freeze } = Object;
  const { parse, stringify } = JSON;
  const { then } = Promise.prototype;
  const { slice } = String.prototype;
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
  const failToWrite = (error) => {
    try {
      port("room");
      if (kindOf(error) !== "error" || !isError(error)) return fail(error);
      port("error", quote(read(error, "name"), 256), quote(`the result cannot be written as JSON: ${read(error, "message")}`, 4096), quote(read(error, "stack"), 8192));
    } catch { fail(error); }
  };
  const finish = (value) => {
    let out = "{}";
    try {
      if (value !== undefined && value !== null) out = stringify(value);
      if (out === undefined) out = "{}";
    } catch (error) { return failToWrite(error); }
    if (out.length > 4194304) port("large", out.length);
    else port("value", out);
  };

  // An error that leaves a microtask would be described by the engine, which believes what the script says of it.
  const queued = (callback) => {
    if (typeof callback !== "function") throw new Refusal("queueMicrotask needs a function");
    enqueue(() => { try { callback(); } catch (error) { fail(error); } });
  };
  defineProperty(global, "queueMicrotask", { value: queued });

  // What the entrypoint is called with, and what becomes of the result: a request changes both.
  let given;
  let conclude = finish;
  const call = (name, find) => {
    let entry;
    try { entry = find(); } catch {}
    if (typeof entry !== "function" || global[name] === entry) {
      throw new Refusal(`entrypoint "${name}" is not a function in this script`);
    }
    return entry(given);
  };

  // The host calls, for a script that may make some.
  let calls;

  // The only door: Python holds it, no script can reach it.
  return (operation, a, b, c, d) => {
    if (operation === "begin") {
      const context = parse(a, (key, value) => freeze(value));
      lineLimit = b;
      expose("ctx", context);
      expose("context", context);
      expose("input", context.input);
      given = context.input;
      // Without a prototype it has what the Script names, and nothing that was not named.
      const env = parse(c);
      setPrototypeOf(env, null);
      expose("env", freeze(env));
      if (calls !== undefined) calls.begin(d);
    } else if (operation === "calls") {
      calls = a(port, { quote, read, expose });
    } else if (operation === "settle") {
      calls.settle(a, b, c);
    } else if (operation === "waiting") {
      return quote(calls.findWait(), 4096);
    } else if (operation === "utils") {
      expose("utils", a(calls.ask, port));
    } else if (operation === "request") {
      const { request, answer } = a(port, { quote, fail, failToWrite }, b, c);
      expose("request", request);
      given = request;
      conclude = answer;
    } else if (operation === "is_whole") {
      // Text that closes the wrapper early leaves a function that does not read like the whole wrapper.
      try { return apply(functionText, a, []) === b; } catch { return false; }
    } else if (operation === "run") {
      let find = null;
      const body = apply(a, undefined, b === null ? [] : [(thunk) => { find ??= thunk; }]);
      apply(then, b === null ? body : (async () => { await body; return call(b, find); })(), [conclude, fail]);
    }
  };
})
