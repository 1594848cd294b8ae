//! Numbers of the published code: a folder with checkpoints, tensors and losses.

use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tch::{Kind, Tensor};

/// One golden set, read from `COOPSEG_GOLDEN` or from the small one in the repository.
pub struct GoldenSet {
    pub folder: PathBuf,
    pub tensors: BTreeMap<String, Tensor>,
    pub numbers: Value,
    /// What the numbers would be without rounding (`tests/golden/exact.py`).
    exact: Value,
}

impl GoldenSet {
    pub fn read() -> Self {
        let folder = std::env::var_os("COOPSEG_GOLDEN").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tiny"),
            PathBuf::from,
        );
        let bytes = std::fs::read(folder.join("golden.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file
            .tensors()
            .into_iter()
            .map(|(name, view)| {
                let kind = match view.dtype() {
                    safetensors::Dtype::F32 => Kind::Float,
                    safetensors::Dtype::I64 => Kind::Int64,
                    other => panic!("{name} is of type {other:?}"),
                };
                let shape: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
                (name, Tensor::from_data_size(view.data(), &shape, kind))
            })
            .collect();
        let json = |name: &str| {
            let text = std::fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
            serde_json::from_str(&text).unwrap()
        };
        let (numbers, exact) = (json("golden.json"), json("exact.json"));
        GoldenSet { folder, tensors, numbers, exact }
    }

    pub fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("the golden set has no tensor {name}"))
    }

    pub fn number(&self, path: &[&str]) -> f64 {
        let value = path.iter().fold(&self.numbers, |value, key| &value[*key]);
        value.as_f64().unwrap_or_else(|| panic!("the golden set has no number {path:?}"))
    }

    pub fn table(&self, name: &str) -> BTreeMap<String, f64> {
        table(&self.numbers[name])
    }

    /// The same in float64.
    pub fn exact_table(&self, name: &str) -> BTreeMap<String, f64> {
        table(&self.exact[name])
    }
}

fn table(values: &Value) -> BTreeMap<String, f64> {
    let entry = |value: &Value| match value {
        Value::Array(list) => list[0].as_f64().unwrap(),
        number => number.as_f64().unwrap(),
    };
    values.as_object().unwrap().iter().map(|(key, value)| (key.clone(), entry(value))).collect()
}

/// Every value within `tolerance` of the largest absolute value of `expected`.
pub fn assert_close(name: &str, found: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(found.size(), expected.size(), "{name}: shape");
    let scale = expected.abs().max().double_value(&[]).max(f64::MIN_POSITIVE);
    let difference = (found.detach() - expected).abs().max().double_value(&[]) / scale;
    assert!(difference <= tolerance, "{name}: differs by {difference:e} of its largest value");
}

/// One number within `tolerance`, relative.
pub fn assert_near(name: &str, found: f64, expected: f64, tolerance: f64) {
    let difference = (found - expected).abs() / expected.abs();
    assert!(difference <= tolerance, "{name}: {found} instead of {expected}, off by {difference:e}");
}
