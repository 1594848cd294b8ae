#!/bin/sh
# The C++ header reaches everything of the C header and adds no macro but its guard.
# Usage: tests/cpp/interface.sh C++_COMPILER REPOSITORY. Prints what is wrong; nothing when all is well.
set -eu
compiler=$1
repository=$2
c_header="$repository/include/coopseg/coopseg.h"
cpp_header="$repository/include/coopseg/coopseg.hpp"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() {
    echo "interface: $1"
    failed=1
}

# Code alone: comments may name a function that nothing calls.
"$compiler" -std=c++17 -fpreprocessed -dD -E -P -x c++ "$cpp_header" >"$work/code" 2>/dev/null
while read -r function; do
    grep -qw "$function" "$work/code" || complain "$function is not reachable from coopseg.hpp"
done <"$repository/tests/abi/exported_symbols.txt"

# Statuses, data types, events and log levels, all of which have a number.
sed -n 's/^#define \(COOPSEG_[A-Z0-9_]*\) [0-9][0-9]*$/\1/p' "$c_header" |
    grep -v -e '^COOPSEG_VERSION_' >"$work/constants"
[ -s "$work/constants" ] || complain "coopseg.h has no constants"
while read -r constant; do
    grep -qw "$constant" "$work/code" || complain "$constant has no name in coopseg.hpp"
done <"$work/constants"

# Fields that a C program can read or set. `struct_size` and `classes` are what vectors know by themselves.
sed -n '/^typedef struct .* {$/,/^}/s/^ .* \**\([a-z0-9_]*\)\(\[[0-9]*\]\)\{0,1\};$/\1/p' "$c_header" |
    sort -u >"$work/fields"
[ -s "$work/fields" ] || complain "coopseg.h has no fields"
while read -r field; do
    grep -qw "$field" "$work/code" || complain "the field $field is not in coopseg.hpp"
done <"$work/fields"

macros() {
    "$compiler" -std="$1" -dM -E -x c++ "-I$repository/include" "$2" |
        sed 's/^#define \([A-Za-z0-9_]*\).*/\1/' | sort -u
}
for standard in c++17 c++20; do
    {
        sed -n '/^#include </p' "$cpp_header" | grep -v -e '<version>' -e '<span>'
        echo '#include <version>'
        echo '#if defined(__cpp_lib_span)'
        echo '#include <span>'
        echo '#endif'
    } >"$work/without.cpp"
    echo '#include <coopseg/coopseg.hpp>' >"$work/with.cpp"
    macros "$standard" "$work/without.cpp" >"$work/without"
    macros "$standard" "$work/with.cpp" >"$work/with"
    added=$(comm -13 "$work/without" "$work/with")
    [ "$added" = COOPSEG_HPP ] || complain "coopseg.hpp adds these macros in $standard: $added"
done
exit $failed
