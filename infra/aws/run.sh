#!/bin/sh
# What the Lambda Web Adapter starts: the function's line of infra/Procfile, out of the package.
set -eu
cd "$(dirname "$0")"
export PYTHONPATH="$PWD"
command=$(sed -n "s/^$FUNCTION: *//p" Procfile)
exec /bin/sh -c "exec python3 -m $command"
