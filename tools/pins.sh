#!/usr/bin/env bash
# Writes constraints.txt: what pip chooses today for pyproject.toml in an empty environment, exactly; and the version of
# ruff into .pre-commit-config.yaml. tools/site/wheels.txt and builder.txt follow, for `make site`.
# Afterwards run `make test`; the new versions are in .venv from then on.
set -eu
cd "$(dirname "$0")/.."
rm -rf build/pins
"$(tools/find_python.sh)" -m venv build/pins
build/pins/bin/python -m pip install -q --disable-pip-version-check -e '.[lab,test,site,fast]'
{
    echo "# Exact versions for \`pip install -c constraints.txt\`. Made by \`make pins\`; do not edit."
    build/pins/bin/python -m pip freeze --exclude-editable
} >build/constraints.txt
mv build/constraints.txt constraints.txt
ruff=$(sed -n 's/^ruff==//p' constraints.txt)
sed "s/^\( *rev: v\).*/\1$ruff/" .pre-commit-config.yaml >build/pre-commit.yaml
mv build/pre-commit.yaml .pre-commit-config.yaml
build/pins/bin/python -m tools.site.pin
rm -rf build/pins
