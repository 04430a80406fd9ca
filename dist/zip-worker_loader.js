// Starts the worker that lies beside this file.
importScripts("./zip-worker.js");
wasm_bindgen({ module_or_path: "./zip-worker_bg.wasm" });
