#!/bin/sh
# A prefix that has libtorch in it serves programs by itself. Usage: tests/consumer/bundled.sh BUILD_FOLDER
set -eu
. "$(dirname -- "$0")/consumer_checks.sh"
prefix="$work/moved here"

# A prefix for use elsewhere has copies; links spare this test half a gigabyte, and lead to files of the build folder.
build_coopseg "$work/build" -DCOOPSEG_BUNDLE_LIBTORCH=ON -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON
export CMAKE_INSTALL_MODE=ABS_SYMLINK
install_moved "$prefix" "$work/build"
unset CMAKE_INSTALL_MODE
pass "installing"
find "$prefix" -path '*/doc/coopseg/*' -name LICENSE | grep -q torch || fail "libtorch's licence is not installed"
pass "libtorch's licence"

must "configuring" configure_consumer "$work/consumer" "$prefix"
must "building" cmake --build "$work/consumer"
says_version "C" "$work/consumer/consumer_c"
env -i LD_DEBUG=libs "$work/consumer/consumer_hpp" "$work/subjects" 2>&1 | sed -n 's/.*calling init: //p' >"$work/loaded"
[ -d "$work/subjects" ] || fail "coopseg.hpp does not run"
grep -q "^$prefix/lib.*/libtorch_cpu.so$" "$work/loaded" ||
    fail "libtorch is not that of the prefix: $(cat "$work/loaded")"
foreign=$(grep -vE "^($prefix|/lib|/lib64|/usr/lib|/usr/lib64)/" "$work/loaded") || true
[ -z "$foreign" ] || fail "these libraries are neither the prefix's nor the system's: $foreign"
pass "every library is the prefix's or the system's"
