#!/bin/sh
# What a release consists of, in dist/: wheel, sdist and SBOM. The wheel is then tried out.
set -eu
cd "$(dirname "$0")/../.."
PATH="$PWD/.venv/bin:$PATH"
version=$(python3 infra/dist/sbom.py --version)

# An sdist and a clone without tags have none, so the version stands in pyproject.toml.
tag=$(git describe --exact-match --tags --match 'v*' 2>/dev/null || true)
if [ -n "$tag" ] && [ "$tag" != "v$version" ]; then
    echo "The tag here is $tag, and pyproject.toml says $version: correct one of them." >&2
    exit 1
fi

rm -rf dist build
# The wheel is built from the sdist, so that the sdist is known to be whole.
uv build --quiet --no-build-isolation --python .venv/bin/python --out-dir dist
rm -f dist/.gitignore
python3 infra/dist/sbom.py >"dist/switchyard_gateway-$version.cdx.json"
python3 infra/dist/check_wheel.py dist/*.whl
ls -1 dist
