#!/usr/bin/env bash
# Writes constraints.txt: what pip chooses today for pyproject.toml in an empty environment, exactly.
# Afterwards run `make test`; the new versions are in .venv from then on.
set -eu
cd "$(dirname "$0")/.."
rm -rf build/pins
"$(tools/find_python.sh)" -m venv build/pins
build/pins/bin/python -m pip install -q --disable-pip-version-check -e '.[lab,test,fast]'
{
    echo "# Exact versions for \`pip install -c constraints.txt\`. Made by \`make pins\`; do not edit."
    build/pins/bin/python -m pip freeze --exclude-editable
} >build/constraints.txt
mv build/constraints.txt constraints.txt
rm -rf build/pins
