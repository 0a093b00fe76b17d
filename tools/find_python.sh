#!/usr/bin/env bash
# Prints the path of a Python that this project runs on: the version in .python-version if it is here, else the newest
# other one. Each candidate is run, because a pyenv shim exists even for versions that are switched off.
set -u
cd "$(dirname "$0")/.."
wanted=$(cat .python-version)
candidates=("python$wanted" python3.13 python3.12 python3.14 python3 python)
if command -v pyenv >/dev/null; then
    for version in "$wanted" 3.13 3.12 3.14; do
        for folder in "$(pyenv root)"/versions/"$version"{,.*}; do
            candidates+=("$folder/bin/python")
        done
    done
fi
for candidate in "${candidates[@]}"; do
    check='import sys, ensurepip, venv; sys.version_info >= (3, 12) and print(sys.executable)'
    found=$("$candidate" -c "$check" 2>/dev/null)
    if [ -n "$found" ]; then echo "$found"; exit 0; fi
done
cat >&2 <<'END'
OCPP Lab needs Python 3.12 or newer with venv and pip, and found none.
Looked for python3.13, python3.12, python3.14 and python3 on PATH, and in pyenv.
Install one (for example `pyenv install 3.13`, or your system's python3.13 and python3.13-venv), then try again.
END
exit 1
