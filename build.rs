//! Compiles the C++ part, and tells the linker where libtorch is and what libcoopseg-core is called and exports.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

/// The libtorch that the bindings are generated for.
const LIBTORCH_VERSION: &str = "2.11.0";

/// libcoopseg.so of the same version looks for this name; no program links to it.
const SONAME: &str = concat!("libcoopseg-core.so.", env!("CARGO_PKG_VERSION"));

/// Room in the run-time search path of libcoopseg-core, for installations that want another one.
const SPARE_SEARCH_PATH: usize = 32;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // torch-sys hands on the folder that it links against.
    let Some(links) = env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        stop("torch-sys does not say where libtorch is");
    };
    if let Some(root) = links.parent() {
        check_version(root);
        compile_native(&root.join("include"));
    }
    let library = links.join("libtorch_cpu.so");
    let Ok(library) = library.canonicalize() else {
        stop(&format!("{} is missing; run `make setup` or name a libtorch in LIBTORCH", library.display()));
    };
    let folder = library.parent().unwrap_or(&links).display().to_string();
    if folder.contains(':') {
        stop(&format!(
            "libtorch's folder {folder} has a colon in its name, which no run-time search path can hold"
        ));
    }

    // What libtorch itself needs is its own business: it finds CUDA's libraries only at run time.
    for argument in ["-Xlinker", "-rpath", "-Xlinker", &folder, "-Wl,--allow-shlib-undefined"] {
        println!("cargo:rustc-link-arg={argument}");
    }
    let origins = ["$ORIGIN"; SPARE_SEARCH_PATH].join(":");
    for argument in [
        "-Xlinker",
        "-rpath",
        "-Xlinker",
        &origins,
        &format!("-Wl,-soname,{SONAME}"),
        // Dependencies have #[no_mangle] functions of their own; only this crate's are exported.
        "-Wl,--exclude-libs,ALL",
        "-Wl,--as-needed",
        // libtorch keeps pointers into this library (its allocator), so it stays loaded until the process ends.
        "-Wl,-z,nodelete",
    ] {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
    // Fuzzing's counters are defined by the program that fuzzes (scripts/fuzz).
    if env::var_os("CARGO_CFG_FUZZING").is_none() {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,defs");
    }
}

/// What libtorch offers to C++ alone.
fn compile_native(include: &Path) {
    const FOLDER: &str = "src/runtime/native";
    println!("cargo:rerun-if-changed={FOLDER}");
    // torch-sys uses the same variable.
    let cxx11_abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .pic(true)
        // libtorch's own headers are not free of warnings.
        .flag("-isystem")
        .flag(include.display().to_string())
        .flag("-fvisibility=hidden")
        // Lets the compiler compute both sides of a choice and take one, as vectors need it.
        .flag("-fno-trapping-math")
        .define("_GLIBCXX_USE_CXX11_ABI", cxx11_abi.as_str())
        .warnings_into_errors(true)
        .file(format!("{FOLDER}/convolution.cpp"))
        .file(format!("{FOLDER}/cpu_cache.cpp"))
        .file(format!("{FOLDER}/cuda.cpp"))
        .file(format!("{FOLDER}/modes.cpp"))
        .file(format!("{FOLDER}/normalisation.cpp"))
        .file(format!("{FOLDER}/operators.cpp"))
        .file(format!("{FOLDER}/warnings.cpp"))
        .file(format!("{FOLDER}/weight_gradient.cpp"))
        .file(format!("{FOLDER}/winograd.cpp"))
        .file(format!("{FOLDER}/winograd_kernels.cpp"))
        .file(format!("{FOLDER}/winograd_weight.cpp"))
        .compile("coopseg_native");
}

/// Refuses another libtorch than the one that the bindings are for.
fn check_version(root: &Path) {
    let found = version(root);
    if found.as_deref() != Some(LIBTORCH_VERSION) {
        stop(&format!(
            "{} holds libtorch {}, but {LIBTORCH_VERSION} is needed",
            root.display(),
            found.as_deref().unwrap_or("of unknown version")
        ));
    }
}

/// The version that a libtorch folder declares.
fn version(root: &Path) -> Option<String> {
    if let Some(text) = read(&root.join("build-version")) {
        return text.trim().split('+').next().map(str::to_owned);
    }
    let include = root.join("include/torch");
    ["headeronly/version.h", "csrc/api/include/torch/version.h"].iter().find_map(|header| {
        let text = read(&include.join(header))?;
        let part = |name: &str| {
            let macro_name = format!("TORCH_VERSION_{name}");
            text.lines().find_map(|line| {
                let mut words = line.strip_prefix("#define ")?.split_whitespace();
                (words.next() == Some(&macro_name)).then(|| words.next().map(str::to_owned))?
            })
        };
        Some(format!("{}.{}.{}", part("MAJOR")?, part("MINOR")?, part("PATCH")?))
    })
}

/// The text of a file that is there; the build runs again when it changes.
fn read(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    println!("cargo:rerun-if-changed={}", path.display());
    Some(text)
}

fn stop(message: &str) -> ! {
    println!("cargo::error={message}");
    process::exit(1);
}
