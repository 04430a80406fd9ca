// Keeps the page in the browser, so that it opens without a network. `cargo xtask dist` puts BUILD, VERSION and FILES in
// front of this text. FILES has the digest of each file: without it, a host that is being updated could give some files of
// one version and some of the next.
//
// All files of a version are stored before it is used, and none is added later. Requests for anything else are left to
// the browser, above all those to the agent.

// Pages in other folders of one origin share the storage.
const PREFIX = `fedmesh ${registration.scope} `;
const CACHE = PREFIX + VERSION;

// The page has just loaded its files by these addresses, so the browser may still have them.
const isHashed = (name) => /-[0-9a-f]{16}[._]/.test(name);
const address = (name) => (isHashed(name) ? name : `${name}?${BUILD}`);

const store = async (cache, name) => {
  const response = await fetch(address(name), {
    cache: isHashed(name) ? "default" : "no-cache",
    integrity: FILES[name],
    priority: "low",
  });
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  // Some hosts redirect index.html to its folder, and a browser refuses a redirected response for a navigation.
  const plain = response.redirected ? new Response(response.body, response) : response;
  await cache.put(address(name), plain);
};

const install = async () => {
  const cache = await caches.open(CACHE);
  await Promise.all(Object.keys(FILES).map((name) => store(cache, name)));
};

const activate = async () => {
  // Tabs that still run an earlier version load its programs, so it is kept until one tab at most is open.
  const tabs = await clients.matchAll({ type: "window", includeUncontrolled: true });
  if (tabs.length <= 1) {
    const names = await caches.keys();
    const earlier = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(earlier.map((name) => caches.delete(name)));
  }
  // The page that was open before its first worker works offline at once.
  await clients.claim();
};

const answer = async (request, name) => {
  const own = await caches.open(CACHE);
  const options = { ignoreVary: true };
  // What is loaded on demand has the number of its build behind its name, that of the tab's version.
  const isOfBuild = request.mode !== "navigate" && new URL(request.url).search !== "";
  const found = isOfBuild
    ? ((await own.match(request, options)) ?? (await caches.match(request, options)))
    : await own.match(address(name), options);
  return found ?? fetch(request);
};

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(activate()));
addEventListener("message", ({ data }) => {
  if (data === "skipWaiting") skipWaiting();
});
addEventListener("fetch", (event) => {
  const { request } = event;
  // Without a query or a fragment.
  const { origin, pathname } = new URL(request.url);
  const [before, path] = [registration.scope, origin + pathname];
  if (request.method !== "GET" || !path.startsWith(before)) return;
  const name = path.slice(before.length) || "index.html";
  if (Object.hasOwn(FILES, name)) event.respondWith(answer(request, name));
});
