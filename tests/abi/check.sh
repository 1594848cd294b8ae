#!/bin/sh
# Compares what libcoopseg.so and its core export and need with the lists beside this file.
# Usage: tests/abi/check.sh FOLDER [--update]
set -eu
here=$(cd -- "$(dirname -- "$0")" && pwd)
root=$here/../..
header=$root/include/coopseg/coopseg.h
list=$here/exported_symbols.txt
library=$1/libcoopseg.so
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
core=$1/libcoopseg-core.so.$version
failed=0

fail() {
    echo "abi: $1" >&2
    failed=$((failed + 1))
}

# dynamic FILE ENTRY
dynamic() {
    LC_ALL=C readelf -dW "$1" | sed -n "s/.*($2).*\[\(.*\)\]/\1/p"
}

exports() {
    LC_ALL=C nm -D --defined-only "$1" | awk '{ print $NF }' | LC_ALL=C sort
}

# needs_only FILE LIST
needs_only() {
    for name in $(dynamic "$1" NEEDED); do
        grep -qx "$name" "$2" || fail "$(basename "$1") needs $name, which is not in $(basename "$2")"
    done
}

exported=$(exports "$core")
[ -n "$exported" ] || fail "$core exports nothing"
foreign=$(printf '%s\n' "$exported" | grep -v '^coopseg_') || true
[ -z "$foreign" ] || fail "exported, but not beginning with coopseg_: $(echo $foreign)"
if [ "${2:-}" = --update ]; then
    printf '%s\n' "$exported" >"$list"
fi
for file in "$core" "$library"; do
    exports "$file" | diff -u "$list" - >&2 ||
        fail "$(basename "$file") exports other symbols than $list (- listed, + found); \`make symbols\` updates it"
done

# A symbol that the header lacks is out of every caller's reach, and the reverse fails at their link.
declared=$(grep -oE '\bcoopseg_[a-z0-9_]+ *\(' "$header" | tr -d ' (' | LC_ALL=C sort -u)
for symbol in $exported; do
    printf '%s\n' "$declared" | grep -qx "$symbol" || fail "$symbol is exported, but not declared in coopseg.h"
done

[ "$(dynamic "$library" SONAME)" = libcoopseg.so.0 ] || fail "the SONAME is $(dynamic "$library" SONAME)"
[ "$(dynamic "$core" SONAME)" = "$(basename "$core")" ] || fail "the core's SONAME is $(dynamic "$core" SONAME)"
needs_only "$library" "$here/needed_libraries.txt"
needs_only "$core" "$here/needed_libraries_of_core.txt"

[ "$failed" -eq 0 ] || exit 1
echo "abi: $(printf '%s\n' "$exported" | wc -l) exported symbols, SONAMEs and needed libraries as listed"
