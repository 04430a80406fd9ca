// Starts the worker that lies beside this file.
importScripts("./yaml-worker.js");
wasm_bindgen({ module_or_path: "./yaml-worker_bg.wasm" });
