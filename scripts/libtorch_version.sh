# libtorch_version FOLDER: the version of the libtorch in that folder, such as 2.11.0; empty when unknown.
libtorch_version() {
    if [ -f "$1/build-version" ]; then
        sed 's/+.*//' "$1/build-version"
    elif [ -f "$1/version.py" ]; then
        sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" "$1/version.py"
    else
        for header in include/torch/headeronly/version.h include/torch/csrc/api/include/torch/version.h; do
            if grep -qs 'define TORCH_VERSION_MAJOR' "$1/$header"; then
                awk '$2 ~ /^TORCH_VERSION_(MAJOR|MINOR|PATCH)$/ { text = text dot $3; dot = "." } END { print text }' \
                    "$1/$header"
                return
            fi
        done
    fi
}
