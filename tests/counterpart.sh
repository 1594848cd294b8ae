#!/bin/sh
# Runs the tests of a binding, which need the software that the binding is for. Exit code 77 says that it is not on this
# machine: that is no failure, but it is noted, and `make test` ends by saying so.
# Usage: tests/counterpart.sh NOTES NAME COMMAND [ARGUMENT...]
set -eu
notes=$1
name=$2
shift 2
code=0
"$@" || code=$?
if [ "$code" = 77 ]; then
    mkdir -p "$(dirname -- "$notes")"
    echo "$name" >>"$notes"
    exit 0
fi
exit "$code"
