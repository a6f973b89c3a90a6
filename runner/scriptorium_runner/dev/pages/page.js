// All that is shown was written by somebody else: it becomes text, never markup.
"use strict";

const API = "/_scriptorium/api";
// Between two looks at what there is, while somebody looks.
const LOOK_MILLISECONDS = 2000;
const WITH_BODY = ["POST", "PUT", "PATCH", "DELETE"];

const cards = new Map();
let lastRoutes = "";
let lastRequests = "";

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function chooseColour(status) {
  if (status >= 500) return "bad";
  return status >= 400 ? "warn" : "good";
}

async function ask(path, options) {
  const answer = await fetch(API + path, { cache: "no-store", ...options });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail || found.title);
  return found;
}

function labelled(text, field) {
  return make("label", {}, text, field);
}

// What the form of an Endpoint asks for, beginning with what its path leaves open.
function makeForm(route) {
  const fields = {
    method: make("select", { name: "method" }),
    parameters: route.parameters.map((each) =>
      make("input", { name: `parameter-${each.name}`, required: !each.isRest, autocomplete: "off" }),
    ),
    query: make("input", { name: "query", placeholder: "limit=10&sort=name", autocomplete: "off" }),
    headers: make("textarea", { name: "headers", rows: 2, placeholder: "Name: value, one a line" }),
    body: make("textarea", { name: "body", rows: 4 }),
    send: make("button", { type: "submit" }, "Send"),
  };
  const more = route.methods.includes("GET") ? ["HEAD", "OPTIONS"] : ["OPTIONS"];
  for (const method of [...route.methods, ...more]) fields.method.append(make("option", {}, method));
  const answer = make("div", { className: "answer" });
  answer.setAttribute("aria-live", "polite");
  const form = make(
    "form",
    {},
    labelled("Method", fields.method),
    ...route.parameters.map((each, place) =>
      labelled(each.isRest ? `${each.name} (the rest of the path)` : each.name, fields.parameters[place]),
    ),
    labelled("Query", fields.query),
    labelled("Headers", fields.headers),
    labelled("Body", fields.body),
    fields.send,
  );
  const showBody = () => {
    fields.body.disabled = !WITH_BODY.includes(fields.method.value);
  };
  fields.method.addEventListener("change", showBody);
  showBody();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(route, fields, answer);
  });
  return [form, answer];
}

function buildTarget(route, fields) {
  let path = route.path;
  route.parameters.forEach((each, place) => {
    const value = fields.parameters[place].value;
    const pieces = each.isRest ? value.split("/") : [value];
    const text = pieces.map(escapePiece).join("/");
    path = path.split(each.isRest ? `{${each.name}...}` : `{${each.name}}`).join(text);
  });
  const query = fields.query.value.replace(/^\?/, "").replace(/[\s#]/g, encodeURIComponent);
  return query ? `${path}?${query}` : path;
}

// As the canonical form of a path has it: what need not be escaped is not.
function escapePiece(text) {
  return encodeURIComponent(text.toWellFormed ? text.toWellFormed() : text);
}

function readHeaders(text, body) {
  const headers = text
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => {
      const place = line.indexOf(":");
      if (place < 1) throw new Error(`"${line}" is no header: write Name: value`);
      return [line.slice(0, place).trim(), line.slice(place + 1).trim()];
    });
  const hasType = headers.some(([name]) => name.toLowerCase() === "content-type");
  if (body && !hasType) headers.push(["Content-Type", guessType(body)]);
  return headers;
}

function guessType(body) {
  try {
    JSON.parse(body);
    return "application/json";
  } catch {
    return "text/plain; charset=utf-8";
  }
}

async function send(route, fields, answer) {
  fields.send.disabled = true;
  try {
    const body = fields.body.disabled ? "" : fields.body.value;
    const trial = {
      host: route.host || location.host,
      method: fields.method.value,
      target: buildTarget(route, fields),
      headers: readHeaders(fields.headers.value, body),
      body,
    };
    const found = await ask("/try", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(trial),
    });
    showAnswer(answer, trial, found);
  } catch (error) {
    answer.replaceChildren(make("p", { className: "bad" }, String(error.message)));
  } finally {
    fields.send.disabled = false;
    look();
  }
}

function showAnswer(answer, trial, found) {
  if (found.problem) throw new Error(found.problem);
  const parts = [
    make(
      "p",
      { className: chooseColour(found.status) },
      `${found.status}  ${trial.method} ${trial.target}  ${found.durationMs} ms  request ${found.requestId}`,
    ),
  ];
  if (found.rejected) {
    const why = found.cause ? `: ${found.cause}` : "";
    parts.push(make("p", { className: "warn" }, `no script answered (${found.rejected})${why}`));
  }
  if (found.error) parts.push(...makeBlock("Error", describeError(found.error), "bad"));
  parts.push(...makeBlock("Headers", found.headers.map(([name, value]) => `${name}: ${value}`).join("\n")));
  const size = `Body, ${found.bytes} bytes${found.isCut ? ", of which these are the first" : ""}`;
  if (found.body) parts.push(...makeBlock(size, found.body));
  else if (found.base64) parts.push(...makeBlock(`${size}, as base64`, found.base64));
  else parts.push(make("h3", {}, size));
  if (found.logs && found.logs.length) {
    parts.push(...makeBlock("What the script wrote", found.logs.map(describeLine).join("\n")));
  }
  answer.replaceChildren(...parts);
}

function makeBlock(title, text, colour = "") {
  const block = make("pre", { className: colour, tabIndex: 0 }, text);
  block.setAttribute("aria-label", title);
  return [make("h3", {}, title), block];
}

function describeError(error) {
  const place = error.line ? ` (line ${error.line}, column ${error.column})` : "";
  return [`${error.name}: ${error.message}${place}`, error.stack].filter(Boolean).join("\n");
}

function describeLine(line) {
  const writer = line.script ? `${line.script}: ` : "";
  const data = line.data ? ` ${JSON.stringify(line.data)}` : "";
  return `${line.level.padEnd(5)} ${writer}${line.message}${data}`;
}

function showRoutes(routes) {
  const known = new Set();
  const wanted = routes.map((route) => {
    const key = `${route.namespace}/${route.name}`;
    known.add(key);
    return showRoute(key, route);
  });
  for (const key of [...cards.keys()]) if (!known.has(key)) cards.delete(key);
  const place = document.getElementById("routes");
  // What stays where it is keeps the focus and what was typed.
  if (wanted.length !== place.children.length || wanted.some((each, at) => each !== place.children[at])) {
    place.replaceChildren(...wanted);
  }
}

function showRoute(key, route) {
  const shape = JSON.stringify([route.path, route.methods, route.host]);
  let card = cards.get(key);
  if (!card || card.shape !== shape) {
    const isOpen = card ? card.element.open : location.hash === `#${encodeURI(key)}`;
    const summary = make("summary");
    const message = make("p", { className: "message" });
    card = { shape, summary, message, element: make("details", { open: isOpen }) };
    card.element.append(summary, message, ...makeForm(route));
    cards.set(key, card);
  }
  const colour = route.state === "ready" ? "good" : route.state === "suspended" ? "dim" : "bad";
  card.summary.replaceChildren(
    make("span", { className: "mono" }, route.methods.join(" ")),
    make("span", { className: "mono path" }, (route.host || "") + route.path),
    make("span", { className: colour }, route.state),
    make("span", {}, `Script ${route.script}`),
    make("span", { className: "dim" }, `auth: ${route.auth.join(", ")}`),
    make("span", { className: "dim" }, key),
  );
  card.message.replaceChildren(route.message);
  card.message.hidden = !route.message;
  card.message.className = `message ${colour}`;
  return card.element;
}

function showRequests(requests) {
  document.getElementById("requests").replaceChildren(
    ...requests.map((each) => {
      const error = each.error ? `${each.error}: ${each.errorMessage}` : each.rejected || "";
      const version = each.scriptVersion ? ` v${each.scriptVersion}` : "";
      const cells = [
        make("td", { title: each.time }, new Date(each.time).toLocaleTimeString()),
        make("td", { className: "mono" }, each.method),
        make("td", { className: "mono" }, each.path),
        make("td", { className: chooseColour(each.status) }, each.status === 499 ? "gone" : String(each.status)),
        make("td", {}, `${each.durationMs} ms`),
        make("td", {}, each.endpoint || ""),
        make("td", { title: each.scriptHash || "" }, each.script ? each.script + version : ""),
        make("td", {}, error),
        make("td", { className: "mono dim", title: each.requestId }, each.requestId.slice(0, 8)),
      ];
      return make("tr", {}, ...cells);
    }),
  );
}

async function look() {
  const news = document.getElementById("news");
  try {
    const [{ routes }, { requests }] = await Promise.all([ask("/routes"), ask("/requests")]);
    const [routesText, requestsText] = [JSON.stringify(routes), JSON.stringify(requests)];
    if (routesText !== lastRoutes) showRoutes(routes);
    if (requestsText !== lastRequests) showRequests(requests);
    [lastRoutes, lastRequests] = [routesText, requestsText];
    const ready = routes.filter((each) => each.state === "ready").length;
    setText(news, `${ready} of ${routes.length} Endpoints ready`);
  } catch (error) {
    setText(news, `the session does not answer: ${error.message}`);
  }
}

// A status that did not change is not read out again.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

look();
setInterval(() => {
  if (!document.hidden) look();
}, LOOK_MILLISECONDS);
