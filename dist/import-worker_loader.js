// Starts the worker that lies beside this file; both are of one build.
importScripts(`./import-worker.js${location.search}`);
const started = wasm_bindgen({ module_or_path: `./import-worker_bg.wasm${location.search}` });
// The page hears of errors, but not of promises that fail.
started.catch((error) => setTimeout(() => { throw error; }));
