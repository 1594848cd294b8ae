#!/bin/sh
# Compares what libcoopseg.so exports and needs with the lists beside this file.
# Usage: tests/abi/check.sh LIBRARY [--update]
set -eu
here=$(cd -- "$(dirname -- "$0")" && pwd)
header=$here/../../include/coopseg/coopseg.h
list=$here/exported_symbols.txt
library=$1
failed=0

fail() {
    echo "abi: $1" >&2
    failed=$((failed + 1))
}

dynamic() {
    LC_ALL=C readelf -dW "$library" | sed -n "s/.*($1).*\[\(.*\)\]/\1/p"
}

exported=$(LC_ALL=C nm -D --defined-only "$library" | awk '{ print $NF }' | LC_ALL=C sort)
[ -n "$exported" ] || fail "$library exports nothing"
foreign=$(printf '%s\n' "$exported" | grep -v '^coopseg_') || true
[ -z "$foreign" ] || fail "exported, but not beginning with coopseg_: $(echo $foreign)"
if [ "${2:-}" = --update ]; then
    printf '%s\n' "$exported" >"$list"
fi
printf '%s\n' "$exported" | diff -u "$list" - >&2 ||
    fail "the exported symbols are not those of $list (- listed, + found); \`make symbols\` updates it"

# A symbol that the header lacks is out of every caller's reach, and the reverse fails at their link.
declared=$(grep -oE '\bcoopseg_[a-z0-9_]+ *\(' "$header" | tr -d ' (' | LC_ALL=C sort -u)
for symbol in $exported; do
    printf '%s\n' "$declared" | grep -qx "$symbol" || fail "$symbol is exported, but not declared in coopseg.h"
done

[ "$(dynamic SONAME)" = libcoopseg.so.0 ] || fail "the SONAME is $(dynamic SONAME) instead of libcoopseg.so.0"
for name in $(dynamic NEEDED); do
    grep -qx "$name" "$here/needed_libraries.txt" || fail "$name is needed, but not in needed_libraries.txt"
done

[ "$failed" -eq 0 ] || exit 1
echo "abi: $(printf '%s\n' "$exported" | wc -l) exported symbols, SONAME and needed libraries as listed"
