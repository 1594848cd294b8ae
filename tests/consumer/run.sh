#!/bin/sh
# Builds programs against coopseg in all the ways that its users have. Usage: tests/consumer/run.sh BUILD_FOLDER
# Exit status 77: something that a test needs is not on this machine.
set -eu
here=$(dirname -- "$0")
skipped=0
for test in installed pkg_config examples subproject bundled relative_libtorch without_libtorch packages; do
    status=0
    "$here/$test.sh" "$1" || status=$?
    case $status in
        0) ;;
        77) skipped=77 ;;
        *) exit "$status" ;;
    esac
done
[ "$skipped" -eq 0 ] && echo "consumer: all passed"
exit "$skipped"
