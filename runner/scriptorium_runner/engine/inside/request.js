// What only a script that answers an HTTP request has: `request`, and the way from what it returns to an answer.
//
// It is evaluated as prelude.js is and keeps its rules. What is sent is only put into form here: whether it may be
// an answer is judged by the supervisor, which has the same words from a worker that was taken over.
(function (port, own, head, sizes) {
  "use strict";
  const { quote, fail, failToWrite } = own;
  const { apply, defineProperty, getPrototypeOf, setPrototypeOf } = Reflect;
  const { freeze, getOwnPropertyDescriptor, keys } = Object;
  const { isArray } = Array;
  const { isView } = ArrayBuffer;
  const { parse, stringify } = JSON;
  const { indexOf, toWellFormed } = String.prototype;
  const Buffer = ArrayBuffer;
  const Bytes = Uint8Array;
  const { setFromBase64, toBase64 } = Bytes.prototype;
  const arrays = getPrototypeOf(Bytes.prototype);
  const kindOfArray = getOwnPropertyDescriptor(arrays, Symbol.toStringTag).get;
  const sizeOfArray = getOwnPropertyDescriptor(arrays, "byteLength").get;
  const startOfArray = getOwnPropertyDescriptor(arrays, "byteOffset").get;
  const bufferOfArray = getOwnPropertyDescriptor(arrays, "buffer").get;
  const sizeOfBuffer = getOwnPropertyDescriptor(Buffer.prototype, "byteLength").get;
  const { bodySize, piece, mostBytes, mostLines, mostLineCharacters } = parse(sizes);
  const objects = Object.prototype;
  const NoJson = SyntaxError;
  const noJson = SyntaxError.prototype;
  const noType = TypeError.prototype;
  const text = String;

  const request = parse(head);
  const close = (map) => { setPrototypeOf(map, null); return freeze(map); };
  close(request.params);
  close(request.headers);
  close(request.cookies);
  close(request.query);
  for (const name in request.query) freeze(request.query[name]);

  // Bytes travel as base64, piece by piece, so that they hardly take more of the script's memory than they are.
  const unpack = () => {
    const buffer = new Buffer(bodySize);
    for (let at = 0; at < bodySize; at += piece) apply(setFromBase64, new Bytes(buffer, at), [port("body", at)]);
    return new Bytes(buffer);
  };
  // They are made when they are asked for: most scripts want text, or nothing. They cannot be frozen.
  let bytes = null;
  const readText = () => port("text");
  const readJson = () => {
    const read = readText();
    try { return parse(read); } catch (error) {
      if (error === null || getPrototypeOf(error) !== noJson) throw error;
      throw new NoJson(`the body of the request is not JSON: ${error.message}`);
    }
  };
  // All three stay out of the request's own JSON, and so out of console lines.
  defineProperty(request, "body", { __proto__: null, get: () => bytes ??= unpack() });
  defineProperty(request, "text", { __proto__: null, value: readText });
  defineProperty(request, "json", { __proto__: null, value: readJson });
  freeze(request);

  // No script can get hold of it, so what is caught as this was thrown here.
  const invalid = freeze({ __proto__: null });
  let problem = "";
  let tooMany = 0;
  const refuse = (words) => { problem = words; throw invalid; };
  const refuseSize = (size) => { tooMany = size; throw invalid; };
  const isNothing = (value) => value === undefined || value === null;

  // Every part is read once: a getter may say something else the second time.
  const readLines = (headers) => {
    const lines = { __proto__: null };
    if (isNothing(headers)) return lines;
    const proto = typeof headers === "object" ? getPrototypeOf(headers) : undefined;
    if (proto !== objects && proto !== null) refuse("headers must be a plain object of names and values");
    let count = 0;
    let room = mostLineCharacters;
    const add = (name, value) => {
      if (typeof value === "number") value = text(value);
      if (typeof value !== "string") refuse(`the header ${quote(name, 100)} must be a string, a number or a list of these`);
      room -= name.length + value.length;
      if (count === mostLines || room < 0) refuse(`headers have more than ${mostLines} lines or ${mostLineCharacters} characters: send fewer`);
      lines[count++] = { __proto__: null, name, value };
    };
    const names = keys(headers);
    for (let i = 0; i < names.length; i++) {
      const value = headers[names[i]];
      if (isArray(value)) for (let j = 0; j < value.length; j++) add(names[i], value[j]);
      else add(names[i], value);
    }
    return lines;
  };
  const findBytes = (value) => {
    if (apply(kindOfArray, value, []) === "Uint8Array") return value;
    try { apply(sizeOfBuffer, value, []); } catch { return null; }
    return new Bytes(value);
  };
  const hasBytes = (value) => {
    try {
      const found = findBytes(value);
      if (found === null) return false;
      const size = apply(sizeOfArray, found, []);
      if (size > mostBytes) refuseSize(size);
      // What has lost its buffer has no bytes either, but cannot be read.
      if (size === 0) apply(toBase64, found, []);
      const buffer = apply(bufferOfArray, found, []);
      const start = apply(startOfArray, found, []);
      for (let at = 0; at < size; at += piece) {
        port("piece", apply(toBase64, new Bytes(buffer, start + at, size - at < piece ? size - at : piece), []));
      }
      return true;
    } catch (error) {
      if (error === invalid || error === null || getPrototypeOf(error) !== noType) throw error;
      return refuse("body is bytes whose buffer is gone: it was transferred or made smaller");
    }
  };
  const writeJson = (value) => {
    if (typeof value === "object" && typeof value.then === "function") refuse("body is a promise: await it");
    if (isView(value)) refuse("body is a view of other than bytes: make a Uint8Array of its buffer");
    const written = stringify(value);
    if (written === undefined) refuse(`body is of type ${typeof value}, which cannot be sent: give a string, bytes or what JSON can hold`);
    return written;
  };
  const send = (status, kind, lines, form, written) => {
    // Each character is a byte at least.
    if (written.length > mostBytes) refuseSize(written.length);
    port("answer", stringify({ __proto__: null, status, kind, lines }), form, written);
  };
  const sendBody = (status, lines, body) => {
    if (isNothing(body)) return send(status, "none", lines, "text", "");
    if (typeof body === "string") {
      const written = apply(toWellFormed, body, []);
      // A string that is handed over as it is would end at its first NUL.
      const isPlain = apply(indexOf, written, ["\0"]) < 0;
      return send(status, "text", lines, isPlain ? "text" : "quoted", isPlain ? written : stringify(written));
    }
    if (hasBytes(body)) return send(status, "bytes", lines, "pieces", "");
    return send(status, "json", lines, "text", writeJson(body));
  };
  const isAnswer = (value) => {
    if (typeof value !== "object" || value === null || isArray(value) || isView(value)) return false;
    const names = keys(value);
    let hasStatus = false;
    for (let i = 0; i < names.length; i++) {
      if (names[i] === "status") hasStatus = true;
      else if (names[i] !== "headers" && names[i] !== "body") return false;
    }
    return hasStatus;
  };
  const sendAny = (value) => {
    if (isNothing(value)) return send(204, "none", readLines(null), "text", "");
    if (!isAnswer(value)) return sendBody(200, readLines(null), value);
    const { status, headers, body } = value;
    if (typeof status === "number") return sendBody(status, readLines(headers), body);
    // `{status: "ok"}` is what many a health check says.
    if (headers === undefined && body === undefined) return sendBody(200, readLines(null), value);
    return refuse("status must be a whole number from 200 to 599");
  };
  const answer = (value) => {
    try { sendAny(value); } catch (error) {
      if (error !== invalid) return failToWrite(error);
      if (tooMany > 0) return port("large", tooMany);
      try { port("error", "\"InvalidResponse\"", quote(problem, 4096), "\"\""); } catch (failure) { fail(failure); }
    }
  };
  return { __proto__: null, request, answer };
})
