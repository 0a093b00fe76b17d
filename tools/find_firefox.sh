#!/usr/bin/env bash
# Prints the path of a Firefox for the browser tests. With --install, installs Debian's if there is none (as root).
# Without one its tests are skipped, loudly: the same is looked at in Chromium.
set -u
find_one() {
    for name in "${FIREFOX:-firefox-esr}" firefox-esr firefox; do
        command -v "$name" && return 0
    done
    return 1
}
find_one && exit 0
if [ "${1:-}" = "--install" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "== firefox: installing Debian's package" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends firefox-esr; } >&2
    find_one && exit 0
fi
echo "== firefox: NOT FOUND. The site is looked at in Chromium alone. Install firefox-esr, or set FIREFOX=/path/to/it." >&2
