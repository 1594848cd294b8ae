//! The committed header is the one that the sources generate.

use std::path::Path;

/// The nouns of the interface, in the order of the header.
const FILES: [&str; 18] = [
    "status",
    "last_error",
    "text",
    "library",
    "cpu_cache",
    "image",
    "config",
    "model",
    "volume",
    "dataset",
    "event",
    "trainer",
    "segmenter",
    "hard_example",
    "artefact",
    "metrics",
    "evaluation",
    "overview",
];

pub fn generate(root: &Path) -> String {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    config.after_includes = Some(format!(
        "\n/** Version of this header. */\n#define COOPSEG_VERSION_MAJOR {}\n#define COOPSEG_VERSION_MINOR {}\n\
         #define COOPSEG_VERSION_PATCH {}",
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
        env!("CARGO_PKG_VERSION_PATCH"),
    ));
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in FILES.iter().chain(&["registry"]) {
        builder = builder.with_src(root.join(format!("src/ffi/{file}.rs")));
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    String::from_utf8(header).unwrap()
}

#[test]
fn the_header_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let generated = generate(root);
    let path = root.join("include/coopseg/coopseg.h");
    if std::env::var_os("COOPSEG_UPDATE_HEADER").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "{} is out of date; run `make header`", path.display());
}

/// Every function is documented with what it returns and what other threads may do.
#[test]
fn every_function_says_what_its_callers_need() {
    let header = generate(Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut functions = 0;
    let mut comment = String::new();
    for block in header.split("\n\n") {
        let declares =
            block.lines().any(|line| line.starts_with("coopseg_status coopseg_") && line.contains('('));
        if !declares {
            continue;
        }
        comment.clear();
        comment.extend(block.lines().take_while(|line| !line.starts_with("coopseg_status")));
        for needed in ["@return", "Threads:", "Since "] {
            assert!(comment.contains(needed), "no \"{needed}\" in the comment of:\n{block}");
        }
        functions += 1;
    }
    assert!(functions > 30, "only {functions} functions found");
}
