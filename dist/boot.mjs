// Starts the page. The script element that loads this file has the names of the others.
const { js, wasm, build } = document.querySelector("script[data-wasm]").dataset;
const at = (file) => new URL(file, document.baseURI);
const start = async (js, wasm) => {
  const { default: init } = await import(at(js));
  await init({ module_or_path: at(wasm) });
};

// Parts of the page that are loaded on demand: a style sheet and a program each, or a worker. Their names are
// the same in all builds, so the number of the build prevents a cache from returning files of another build.
// The number of failures prevents the browser from caching an error.
const parts = {};
let failures = 0;
const part = (file) => `${file}?${build}-${failures}`;
const style = (file) =>
  new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = at(part(file));
    link.onload = resolve;
    link.onerror = () => {
      link.remove();
      reject(new Error(`${file} did not load`));
    };
    document.head.append(link);
  });
globalThis.loadPart = (name) =>
  (parts[name] ??= Promise.all([
    style(`${name}.css`),
    start(part(`${name}.js`), part(`${name}_bg.wasm`)),
  ]).catch((error) => {
    delete parts[name];
    failures += 1;
    throw error;
  }));
globalThis.startWorker = (name) => new Worker(at(part(`${name}_loader.js`)));

try {
  await start(js, wasm);
} catch (error) {
  const waiting = document.getElementById("waiting");
  if (waiting) waiting.textContent = `The page did not start: ${error.message}. Reload it.`;
  throw error;
}
