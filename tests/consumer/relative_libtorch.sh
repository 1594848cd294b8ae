#!/bin/sh
# A library that looks for libtorch in a folder of its own prefix.
# Usage: tests/consumer/relative_libtorch.sh BUILD_FOLDER
set -eu
. "$(dirname -- "$0")/consumer_checks.sh"
prefix="$work/moved here"

build_coopseg "$work/build" -DCOOPSEG_LIBTORCH_DIR='$ORIGIN/../torch/lib' -DCMAKE_INSTALL_LIBDIR=lib
install_moved "$prefix" "$work/build"
mkdir "$prefix/torch"
ln -s "$(libtorch_dir)" "$prefix/torch/lib"
must "configuring" configure_consumer "$work/consumer" "$prefix"
must "building" cmake --build "$work/consumer" --target consumer_c
says_version "CMake" "$work/consumer/consumer_c"

flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkgconf --cflags --libs coopseg)
eval "must \"linking with pkg-config\" gcc -o \"\$work/program\" \"\$here/consumer.c\" $flags"
says_version "pkg-config" "$work/program" LD_LIBRARY_PATH="$prefix/lib"
