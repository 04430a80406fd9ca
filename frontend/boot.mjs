// Starts the page. The names of its files stand at the script element that loads this one.
const { js, wasm } = document.querySelector("script[data-wasm]").dataset;
try {
  const { default: init } = await import(new URL(js, document.baseURI));
  await init({ module_or_path: new URL(wasm, document.baseURI) });
} catch (error) {
  const waiting = document.getElementById("waiting");
  if (waiting) waiting.textContent = `The page did not start: ${error.message}. Reload it.`;
  throw error;
}
