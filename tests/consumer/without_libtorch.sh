#!/bin/sh
# What a user sees whose machine has no libtorch where the library looks for it, and what mends it.
# Usage: tests/consumer/without_libtorch.sh BUILD_FOLDER
set -eu
. "$(dirname -- "$0")/consumer_checks.sh"
prefix="$work/moved here"
libtorch=$(libtorch_dir)

build_coopseg "$work/build" -DCOOPSEG_LIBTORCH_DIR=
install_moved "$prefix" "$work/build"
! grep -rIl -e "$libtorch" -e "$source/.deps" "$prefix" || fail "these files name the libtorch of the build"
pass "no file names the libtorch of the build"
libdir=$(dirname "$(find "$prefix" -name libcoopseg.so)")

refused "a project without libtorch" \
    "coopseg needs libtorch $libtorch_version; name its folder with -DCOOPSEG_LIBTORCH=/path" \
    configure_consumer "$work/consumer" "$prefix"
must "configuring with COOPSEG_LIBTORCH" \
    configure_consumer "$work/consumer" "$prefix" -DCOOPSEG_LIBTORCH="$(dirname "$libtorch")"
must "building" cmake --build "$work/consumer" --target consumer_c
program="$work/consumer/consumer_c"
words="libtorch_cpu.so: cannot open shared object file"
refused "a program without libtorch" "error while loading shared libraries: $words" env -i "$program"
grep -qF "$words" "$source/README.md" || fail "README.md does not explain \"$words\""
pass "README.md explains it"

flags=$(PKG_CONFIG_PATH="$libdir/pkgconfig" pkgconf --cflags --libs coopseg)
eval "must \"linking with pkg-config and LD_LIBRARY_PATH\" env \"LD_LIBRARY_PATH=\$libtorch\" \
    gcc -o \"\$work/program\" \"\$here/consumer.c\" $flags"
pass "linking with pkg-config and LD_LIBRARY_PATH"

says_version "LD_LIBRARY_PATH" "$program" LD_LIBRARY_PATH="$libtorch"
ln -s "$libtorch" "$libdir/coopseg"
says_version "a link to libtorch beside the library" "$program"
must "configuring with that link" configure_consumer "$work/again" "$prefix"
pass "configuring with that link"
