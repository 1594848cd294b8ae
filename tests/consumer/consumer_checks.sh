# What the tests of this folder share; each sources it with a build folder of coopseg as its first argument.
# Gives them $work, a scratch folder with a space in its name, and uses cmake, ninja and pkgconf of PATH.
here=$(cd -- "$(dirname -- "$0")" && pwd)
source=$(cd -- "$here/../.." && pwd)
build=$(cd -- "$1" && pwd)
name=$(basename -- "$0" .sh)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/Cargo.toml")
libtorch_version=$(sed -n 's/^const LIBTORCH_VERSION.* = "\(.*\)";$/\1/p' "$source/build.rs")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
work="$scratch/a folder"
mkdir "$work"
log="$work/log"
unset LIBTORCH COOPSEG_LIBTORCH LD_LIBRARY_PATH CMAKE_PREFIX_PATH

fail() {
    echo "consumer: $name: $1" >&2
    exit 1
}

pass() {
    echo "consumer: $name: $1: ok"
}

# must WHAT COMMAND...: the command succeeds; its output is in $log.
must() {
    local what="$1"
    shift
    "$@" >"$log" 2>&1 || fail "$what failed: $(cat "$log")"
}

# refused WHAT WORDS COMMAND...: the command fails and says the words, however it breaks its lines.
refused() {
    local what="$1" words="$2"
    shift 2
    ! "$@" >"$log" 2>&1 || fail "$what was accepted"
    tr -s '\n ' '  ' <"$log" | grep -qF -- "$words" || fail "$what is refused without \"$words\": $(cat "$log")"
    pass "$what is refused"
}

# says_version WHAT PROGRAM [VARIABLE=VALUE...]: the program, started with these variables alone, gives the
# library's version.
says_version() {
    local what="$1" program="$2"
    shift 2
    said=$(env -i "$@" "$program" 2>&1) || fail "$what does not run: $said"
    [ "$said" = "$version" ] || fail "$what says version $said instead of $version"
    pass "$what"
}

# install_moved PREFIX [BUILD_FOLDER]: installs coopseg elsewhere and moves it to PREFIX.
install_moved() {
    must "the installation" cmake --install "${2:-$build}" --prefix "$work/first prefix"
    mv "$work/first prefix" "$1"
}

cached() {
    sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}

# with_build_settings COMMAND...: adds what cargo needs in order to find everything built already.
with_build_settings() {
    "$@" -DCOOPSEG_LIBTORCH="$(cached COOPSEG_LIBTORCH)" -DCOOPSEG_CARGO="$(cached COOPSEG_CARGO)" \
        -DCOOPSEG_CARGO_TARGET_DIR="$(cached COOPSEG_CARGO_TARGET_DIR)"
}

# build_coopseg FOLDER CMAKE_OPTION...: coopseg itself, configured otherwise.
build_coopseg() {
    local folder="$1"
    shift
    must "configuring coopseg" with_build_settings cmake -S "$source" -B "$folder" -G Ninja -DBUILD_TESTING=OFF "$@"
    must "building coopseg" cmake --build "$folder"
}

# configure_consumer FOLDER PREFIX CMAKE_OPTION...
configure_consumer() {
    local folder="$1" prefix="$2"
    shift 2
    cmake -S "$here" -B "$folder" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCOOPSEG_REQUEST=0.1 "$@"
}

# libtorch_dir: the folder of the libraries that coopseg was linked with.
libtorch_dir() {
    local folder
    folder=$(cached COOPSEG_LIBTORCH)
    dirname -- "$(realpath -- "${folder:-$source/.deps/libtorch}/lib/libtorch_cpu.so")"
}
