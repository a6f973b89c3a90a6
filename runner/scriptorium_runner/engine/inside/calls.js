// The host calls that a run has, and the globals that make them: only for scripts that may name one (sandbox.py).
//
// It is evaluated as prelude.js is, before any of the script's code, and keeps its rules.
(function (port, own) {
  "use strict";
  const { quote, read, expose } = own;
  const { apply, defineProperty, getPrototypeOf, setPrototypeOf } = Reflect;
  const { freeze, getOwnPropertyDescriptor, hasOwn } = Object;
  const { parse, stringify } = JSON;
  const { indexOf, slice } = String.prototype;
  const Bytes = Uint8Array;
  const { fromBase64 } = Bytes;
  const { toBase64 } = Bytes.prototype;
  const kindOfArray = getOwnPropertyDescriptor(getPrototypeOf(Bytes.prototype), Symbol.toStringTag).get;
  const Refusal = TypeError;

  // Each is sent as it is made, as long as fewer are under way than may be; the others wait in line. The script's
  // promise is settled by the answer. Its error is made now, so that its stack leads to the call.
  const Future = Promise;
  const Failure = Error;
  let host = null;
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
  const begin = (words) => {
    host = parse(words);
    setPrototypeOf(host.methods, null);
    exposeApis();
  };
  return { __proto__: null, ask, begin, settle, findWait };
})
