#!/bin/sh
# Draws the icons of the manifest from icon.svg. One version of the program draws the same bytes everywhere.
set -eu
cd "$(dirname "$0")"
for size in 192 512; do
  npm exec --yes --package=@resvg/resvg-js-cli@2.6.2-beta.1 -- \
    resvg-js-cli --fit-width "$size" icon.svg "icon-$size.png"
done
