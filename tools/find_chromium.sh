#!/usr/bin/env bash
# Prints the path of a Chromium for the browser tests. With --install, installs Debian's if there is none (as root).
# Without one the browser tests are skipped, loudly; CI (CI=true) stops here with an error instead.
set -u
find_one() {
    for name in "${CHROMIUM:-chromium}" chromium chromium-browser google-chrome; do
        command -v "$name" && return 0
    done
    return 1
}
find_one && exit 0
if [ "${1:-}" = "--install" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "== chromium: installing Debian's package" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu; } >&2
    find_one && exit 0
fi
echo "== chromium: NOT FOUND. The browser tests cannot run. Install chromium, or set CHROMIUM=/path/to/it." >&2
[ -z "${CI:-}" ] # CI must not pass without them
