// node:http with the scripts as plain functions: nothing keeps one request from another.
import { createServer } from "node:http";
import { http } from "./http.mjs";
import { functions } from "./scripts.mjs";

const server = createServer(async (request, response) => {
  const run = functions[request.url];
  if (!run) {
    response.writeHead(404).end();
    return;
  }
  const body = await run(http);
  const headers = { "content-type": "text/plain; charset=utf-8", "content-length": Buffer.byteLength(body) };
  response.writeHead(200, headers).end(body);
});
server.listen(Number(process.argv[2]), "127.0.0.1", 1024);
