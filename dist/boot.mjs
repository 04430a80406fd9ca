// Starts the page. The script element that loads this file has the names of the others.
const { js, wasm, build } = document.querySelector("script[data-wasm]").dataset;
const at = (file) => new URL(file, document.baseURI);
const start = async (js, wasm) => {
  const { default: init } = await import(at(js));
  await init({ module_or_path: at(wasm) });
};

// The names of what is loaded on demand are the same in all builds, so the number of the build prevents a cache from
// returning that of another build.
globalThis.loadModule = (name) => import(at(`${name}.mjs?${build}`));
globalThis.startWorker = (name) => new Worker(at(`${name}_loader.js?${build}`));

// The service worker keeps the page for use offline. Only on https: on http, browsers allow one for loopback alone, where
// the agent always serves its own version of the page, and the next program on the same port would be hidden by it.
// Private windows of some browsers have none.
const workers = location.protocol === "https:" ? navigator.serviceWorker : undefined;
const HOUR = 3_600_000;
let registration;
let isReloading = false;

// Called when the page is usable. Calls `ready` when a new version can be used.
globalThis.keepOffline = async (ready) => {
  if (!workers) return;
  let isControlled = Boolean(workers.controller);
  workers.addEventListener("controllerchange", () => {
    if (isReloading) location.reload();
    else if (isControlled) ready(); // Another tab has taken the new version.
    isControlled = true;
  });
  try {
    registration = await workers.register(at("sw.js"), { updateViaCache: "none" });
  } catch {
    return; // The page works without, as it did before.
  }
  // The first version replaces none, so it does not wait.
  const look = () => registration.waiting && registration.active && ready();
  const follow = () => registration.installing?.addEventListener("statechange", look);
  registration.addEventListener("updatefound", follow);
  follow();
  look();
  // Browsers look for a new version only when a page is opened.
  setInterval(() => registration.update().catch(() => {}), HOUR);
};

// Loads the page again, in its new version.
globalThis.takeUpdate = () => {
  isReloading = true;
  if (registration?.waiting) registration.waiting.postMessage("skipWaiting");
  else location.reload();
};

try {
  await start(js, wasm);
} catch (error) {
  const waiting = document.getElementById("waiting");
  if (waiting) waiting.textContent = `The page did not start: ${error.message}. Reload it.`;
  // Without its worker, the page is loaded from its host again: a version that does not start could never be replaced.
  const kept = navigator.onLine ? await workers?.getRegistration(at("./")) : undefined;
  if (kept?.scope === at("./").href) await kept.unregister();
  throw error;
}
