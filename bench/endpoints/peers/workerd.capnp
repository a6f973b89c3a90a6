# One worker, which may also reach private addresses: the other server of the case that waits has one.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  modules = [
    (name = "worker.mjs", esModule = embed "worker.mjs"),
    (name = "http.mjs", esModule = embed "http.mjs"),
    (name = "scripts.mjs", esModule = embed "scripts.mjs"),
  ],
  compatibilityDate = "2026-01-01",
);
