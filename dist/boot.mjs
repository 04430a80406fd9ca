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

try {
  await start(js, wasm);
} catch (error) {
  const waiting = document.getElementById("waiting");
  if (waiting) waiting.textContent = `The page did not start: ${error.message}. Reload it.`;
  throw error;
}
