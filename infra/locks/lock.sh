#!/bin/sh
# Makes the lock of each function named, or of all: `infra/locks/lock.sh models`. Needs uv.
# The versions are those of requirements.txt, so that every way of deploying runs the same.
set -eu
cd "$(dirname "$0")/../.."

lock() { # name of the lock, extras
    name=$1
    shift
    uv pip compile pyproject.toml $(printf -- '--extra %s ' "$@") --quiet --universal --python-version 3.11 \
        --generate-hashes --no-header --no-annotate --no-emit-index-url \
        --constraint requirements.txt --output-file "infra/locks/$name.txt"
}

[ $# -gt 0 ] || set -- $(cd functions && ls -d ./*/ | tr -d './' | grep -vxE '__pycache__|simulated_provider') release aws build
for name; do
    case $name in
        release) lock release cli ;;
        # An operator's commands run in it: it has every setting that they need.
        worker) lock worker worker cli ;;
        # What the image is built with, before anything of ours is installed.
        build) grep -A 2 '^setuptools==' requirements.txt > infra/locks/build.txt ;;
        *) lock "$name" "$name" ;;
    esac
done
