#!/bin/sh
# Bundles the editor with its packages into frontend/editor.mjs.
set -eu
cd "$(dirname "$0")"
command -v npm >/dev/null || {
  echo "npm is missing: install Node.js with npm (Debian: apt-get install nodejs npm)" >&2
  exit 1
}
# The packages' scripts are not needed, and are not run.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
fi
# The packages' sources do not name their licence.
notice="/*! With CodeMirror, https://codemirror.net. MIT License. Copyright (C) by Marijn Haverbeke and others */"
node_modules/.bin/esbuild editor.mjs --bundle --minify --format=esm --target=es2022 --banner:js="$notice" \
  --log-level=warning --outfile=../editor.mjs
