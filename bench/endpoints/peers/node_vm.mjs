// node:http with a fresh vm context for every request: the bar. Each script is compiled once, and has no limits.
import { createServer } from "node:http";
import { createContext, Script } from "node:vm";
import { http } from "./http.mjs";
import { sources } from "./scripts.mjs";

const scripts = Object.fromEntries(
  Object.entries(sources).map(([path, source]) => [path, new Script(`(async () => { ${source} })()`)]),
);

const server = createServer(async (request, response) => {
  const script = scripts[request.url];
  if (!script) {
    response.writeHead(404).end();
    return;
  }
  const body = await script.runInContext(createContext({ http }));
  const headers = { "content-type": "text/plain; charset=utf-8", "content-length": Buffer.byteLength(body) };
  response.writeHead(200, headers).end(body);
});
server.listen(Number(process.argv[2]), "127.0.0.1", 1024);
