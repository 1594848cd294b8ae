#!/bin/sh
# pkg-config in a prefix that was moved. Usage: tests/consumer/pkg_config.sh BUILD_FOLDER
set -eu
. "$(dirname -- "$0")/consumer_checks.sh"

# builds WHAT COMPILER STANDARD SOURCE OPTION...
builds() {
    local what="$1" compiler="$2" standard="$3" code="$4"
    shift 4
    eval "must \"\$what\" \"\$compiler\" -std=\$standard \"\$@\" -Wall -Wextra -Werror -o \"\$work/program\" \"\$here/\$code\" \
        $flags -Wl,-rpath,\"\$libdir\""
    says_version "$what" "$work/program"
}

install_moved "$work/moved here"
libdir=$(dirname "$(find "$work/moved here" -name libcoopseg.so)")
export PKG_CONFIG_PATH="$libdir/pkgconfig"
[ "$(pkgconf --modversion coopseg)" = "$version" ] || fail "pkg-config gives another version"
flags=$(pkgconf --cflags --libs coopseg)
case $flags in *-ltorch* | *-lc10*) fail "the flags link libtorch: $flags" ;; esac
for kind in '-g -O0' '-O2 -DNDEBUG'; do
    builds "C, $kind" gcc c99 consumer.c $kind
    builds "C++, $kind" g++ c++17 consumer.cpp $kind
    builds "coopseg.hpp, $kind" g++ c++17 consumer_hpp.cpp $kind
done
