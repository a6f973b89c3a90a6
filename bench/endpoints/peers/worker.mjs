// What workerd and Deno serve: one isolate for all requests.
import { http } from "./http.mjs";
import { functions } from "./scripts.mjs";

export default {
  async fetch(request) {
    const run = functions[new URL(request.url).pathname];
    if (!run) return new Response(null, { status: 404 });
    return new Response(await run(http));
  },
};
