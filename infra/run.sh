#!/bin/sh
# Runs one line of infra/Procfile in the place of this shell, which passes every signal on:
# `infra/run.sh models`, or FUNCTION=models. The container, the chart and Lambda start with it.
set -eu
name=${1:-${FUNCTION:-gateway}}
cd "$(dirname "$0")/.."
command=$(sed -n "s/^$name: *//p" infra/Procfile)
if [ -z "$command" ]; then
    echo "run.sh: infra/Procfile has no line $name" >&2
    exit 2
fi
exec /bin/sh -c "exec $command"
