// Starts the worker beside this file; both are of the same build.
importScripts(`./read-worker.js${location.search}`);
const started = wasm_bindgen({ module_or_path: `./read-worker_bg.wasm${location.search}` });
// A rejected promise does not reach the page; an error does.
started.catch((error) => setTimeout(() => { throw error; }));
