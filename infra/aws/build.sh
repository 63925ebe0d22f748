#!/bin/sh
# Puts each function named, or each of all, with what it needs into build/aws/<function>, as
# template.yaml's CodeUri wants it. Needs pip 23.1 or newer; works on any machine: wheels only.
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
# Where it will run: AWS's managed runtime, on Amazon Linux 2023.
version=${LAMBDA_PYTHON:-3.13}

[ $# -gt 0 ] || set -- $(cd functions && ls -d ./*/function.py | cut -d / -f 2)
for name; do
    target=build/aws/$name
    rm -rf "$target"
    mkdir -p "$target/functions"
    "$python" -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps \
        --only-binary :all: --python-version "$version" --implementation cp \
        --platform manylinux_2_34_x86_64 --platform manylinux_2_28_x86_64 \
        --platform manylinux2014_x86_64 \
        --target "$target" -r "infra/locks/$name.txt" -r infra/locks/aws.txt
    cp -R shared "$target/"
    cp functions/__init__.py "$target/functions/"
    cp -R "functions/$name" "$target/functions/"
    cp infra/Procfile infra/aws/run.sh "$target/"
    find "$target" -name __pycache__ -type d -prune -exec rm -rf {} +
    echo "$target: $(du -sh "$target" | cut -f 1)"
done
