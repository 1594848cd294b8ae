//! The functions of libcoopseg.so that hand calls on are those of the header.

use std::fmt::Write as _;
use std::path::Path;

/// What `loader/loader.c` answers by itself.
const OWN: [&str; 5] = [
    "coopseg_last_error",
    "coopseg_version",
    "coopseg_abi_version",
    "coopseg_load_libtorch",
    "coopseg_live_handles",
];

struct Function {
    result: String,
    name: String,
    parameters: Vec<String>,
}

impl Function {
    /// From `coopseg_status coopseg_model_free(struct coopseg_model *model)`.
    fn parse(declaration: &str) -> Self {
        let (head, tail) = declaration.split_once('(').unwrap();
        let start = head.rfind("coopseg_").unwrap();
        let parameters = tail.strip_suffix(')').unwrap();
        Self {
            result: head[..start].trim().to_owned(),
            name: head[start..].to_owned(),
            parameters: match parameters {
                "void" => Vec::new(),
                _ => parameters.split(',').map(|parameter| parameter.trim().to_owned()).collect(),
            },
        }
    }

    fn short_name(&self) -> &str {
        self.name.strip_prefix("coopseg_").unwrap()
    }

    fn declared_parameters(&self) -> String {
        if self.parameters.is_empty() { "void".to_owned() } else { self.parameters.join(", ") }
    }

    /// The names of the parameters, as a call passes them on.
    fn arguments(&self) -> Vec<&str> {
        self.parameters
            .iter()
            .map(|parameter| {
                let start =
                    parameter.rfind(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap();
                &parameter[start + 1..]
            })
            .collect()
    }
}

/// The functions that a header declares, in its order.
fn functions(header: &str) -> Vec<Function> {
    let mut rest = header;
    let mut code = String::new();
    while let Some(start) = rest.find("/*") {
        code.push_str(&rest[..start]);
        rest = rest[start..].split_once("*/").unwrap().1;
    }
    code.push_str(rest);
    let lines = code.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join(" ");
    let text = lines.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split(';')
        .map(str::trim)
        .map(|statement| statement.trim_start_matches("extern \"C\" {").trim())
        .filter(|statement| statement.ends_with(')') && !statement.starts_with("typedef"))
        .map(Function::parse)
        .collect()
}

/// The names of the statuses of a header: its constants from `COOPSEG_OK` to the first one that is none.
fn statuses(header: &str) -> Vec<&str> {
    header
        .lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .map(|line| line.split(' ').next().unwrap())
        .skip_while(|name| *name != "COOPSEG_OK")
        .take_while(|name| *name != "COOPSEG_ABI_VERSION")
        .collect()
}

fn generate(header: &str) -> String {
    let functions: Vec<_> = functions(header)
        .into_iter()
        .filter(|function| !OWN.contains(&function.name.as_str()) && function.name != "coopseg_status_name")
        .collect();
    let mut text = String::from(
        "/* Generated from include/coopseg/coopseg.h. Do not edit; `make header` writes it anew. */\n\
         #include \"loader.h\"\n\n#include <dlfcn.h>\n#include <string.h>\n\nstatic struct {\n",
    );
    for function in &functions {
        let parameters = function.declared_parameters();
        writeln!(text, "    {} (*{})({parameters});", function.result, function.short_name()).unwrap();
    }
    text.push_str(
        "} core;\n\nstatic const struct {\n    const char *name;\n    void *function;\n} bindings[] = {\n",
    );
    for function in &functions {
        writeln!(text, "    {{\"{}\", &core.{}}},", function.name, function.short_name()).unwrap();
    }
    text.push_str(
        "};\n\nconst char *forward_bind(void *library)\n{\n    \
         for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++) {\n        \
         void *const address = dlsym(library, bindings[i].name);\n        \
         if (address == NULL) {\n            return bindings[i].name;\n        }\n        \
         memcpy(bindings[i].function, &address, sizeof address);\n    }\n    return NULL;\n}\n\n\
         LOADER_PUBLIC const char *coopseg_status_name(coopseg_status status)\n{\n    switch (status) {\n",
    );
    for status in statuses(header) {
        writeln!(text, "    case {status}:\n        return \"{status}\";").unwrap();
    }
    text.push_str("    default:\n        return \"unknown coopseg status\";\n    }\n}\n");
    for function in &functions {
        let parameters = function.declared_parameters();
        let arguments = function.arguments();
        writeln!(text, "\nLOADER_PUBLIC {} {}({parameters})\n{{", function.result, function.name).unwrap();
        if let ("free", [argument]) = (function.name.rsplit('_').next().unwrap(), &arguments[..]) {
            // Before anything was made, there is nothing to load libtorch for.
            writeln!(text, "    if ({argument} == NULL) {{\n        return COOPSEG_OK;\n    }}").unwrap();
        }
        let (name, arguments) = (function.short_name(), arguments.join(", "));
        text.push_str("    const coopseg_status status = loader_open();\n");
        writeln!(text, "    return status != COOPSEG_OK ? status : core.{name}({arguments});\n}}").unwrap();
    }
    text
}

#[test]
fn the_forwarding_functions_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let generated = generate(&crate::header::generate(root));
    let path = root.join("loader/forward.c");
    if std::env::var_os("COOPSEG_UPDATE_HEADER").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "{} is out of date; run `make header`", path.display());
}

/// A function that returns no status could not say that libtorch is missing.
#[test]
fn every_forwarding_function_returns_a_status() {
    let header = crate::header::generate(Path::new(env!("CARGO_MANIFEST_DIR")));
    let functions = functions(&header);
    for function in &functions {
        let own = OWN.contains(&function.name.as_str()) || function.name == "coopseg_status_name";
        assert!(own || function.result == "coopseg_status", "{} returns {}", function.name, function.result);
    }
    assert!(functions.len() > 70, "only {} functions found", functions.len());
}
