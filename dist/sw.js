const BUILD = "13024323567089175";
const VERSION = "8467d3428efe2fa7";
const FILES = {
  "all-b1419abea203679e.css": "sha256-ushHvE6XmfAYj9zZKQZtUrAGDKNllqJ1yLFIxPeQhi0=",
  "boot.mjs": "sha256-rSE5uqo28rsUOzJapw3aLStPHjjozNrupYONnUfUczE=",
  "editor.mjs": "sha256-H7xBqfsU+/+8rkPcPMsu/b9XGxBSLCYK8iM09R43VCg=",
  "explain/FM01.md": "sha256-fOyhR4ZsnBe1Y4rbUM345rgUysN62SXCjTh+zjO+Xq4=",
  "explain/FM02.md": "sha256-8AHoejMMmRtX2BwfJDA2B45VIRSdBFYWCKwDTv4R/vE=",
  "explain/FM03.md": "sha256-KkCogEVGoXbKixwD8FOdAn+qmsdajIAG3wtV5/dTeqU=",
  "explain/FM04.md": "sha256-RDWDW/iSZFOVbn9qO4P3epqj8mBmd8/pNEu7FyHaca0=",
  "explain/FM05.md": "sha256-R+v0LKwW8EWEayN0hsaO2bzliIpLLa/YZqcF8P5U2oQ=",
  "explain/FM06.md": "sha256-+9Vgmf+bIRClPSviI6UeuCPiZtnBBCQUwVGu/59gUvE=",
  "explain/FM07.md": "sha256-Vpk7QpIeQwYhmXU2go3edY5dX1YMJ0hR3xDjrLmcVlA=",
  "explain/FM08.md": "sha256-64bCVvOp7W1NvWOfnOlHqJXDbxB8I5yrLm7VV3ifV54=",
  "explain/FM09.md": "sha256-EwXCYtvbqTYDXt7g/vYZhn84akomKb3bTusOpB63nyo=",
  "explain/FM10.md": "sha256-y/+bFlvBIKe1aE8rcJ4XAZT5Lo0uktJarXFp1ZYR/xs=",
  "explain/FM11.md": "sha256-YhHEkXfiHG4hzFXpG/pLqVoN61hpmtOMHKLQfG+kwek=",
  "explain/FM12.md": "sha256-ti2FYn8JKrYBDRLX9YoCwq48Gg2j6qTUe9JWFF/W+Jk=",
  "explain/base.yaml": "sha256-KgHGNr5GlLrEiJHj4gItuAu2rHj0Qeoxaw5qq7FWUnM=",
  "explain/causes.md": "sha256-18Cb6K/8Ocnl2U6HNiwzTqiDj3TW36HGFeGDqqEI8z0=",
  "explain/intro.md": "sha256-PaB705SuUvX0B705rL8FhaaOOnpCCyKJrwrvO/ymxsI=",
  "fedmesh-frontend-1ae7322eb479071e_bg.wasm": "sha256-am6U00hWg5ikvG7FKfEgKNpfKuQIt6D89PwLpv3txiQ=",
  "fedmesh-frontend-9d8781130cd75528.js": "sha256-4fWUdSh6Pnj3yGgNMWuQ3jauVfPYl/0uz2bVqy/SrIE=",
  "icon-192.png": "sha256-nFZXUXIFR6/TIEUk5U3Q1EMHtjr8JWD/n7lAhGka3+Y=",
  "icon-512.png": "sha256-7Pm5mdVEgNEJRehPknk5DSQ3tIKq/g7yQQYcSlka6tA=",
  "icon.svg": "sha256-jIN5IkFTM7ofmsJH/ncTwB+kwF5YiXqn6ac2xj6wrB8=",
  "index.html": "sha256-UGlAeDdh0AEL+rKZpbou6QNzf8gl30+lS9xPL+ZK+cU=",
  "manifest.webmanifest": "sha256-EaHerrqqM3ttu1kI8/L9ItUORBlBmiX+m/41orSUENg=",
  "read-worker.js": "sha256-UrFt+guG5Xg1S29u6hU6dFz4PFnCYFL9E+DDnJR/Geo=",
  "read-worker_bg.wasm": "sha256-QUi93BgRgXjv1Hh+2deIlvATfkHKO83mKyuY8I+W+cA=",
  "read-worker_loader.js": "sha256-ZXYm0CQhNHh8pfmvpLK6XS2wHyDJTpZiBioYiNdNjpw=",
  "render-worker.js": "sha256-kPKDM2WAUwOYUYVO5ujHvlUNoDojIdiuoZdeBynS3TQ=",
  "render-worker_bg.wasm": "sha256-fx+Mb3ZNvuc1wfNl+CoPCMAtbKRz+USaWKz3BFvMjCE=",
  "render-worker_loader.js": "sha256-qffZgt362Lq9Jm4xaVCaYHigxCKimAhiWDJpqfsqj+c="
};
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
