use std::io::Cursor;

use serde_json::json;

use super::*;
use crate::checkpoint::RawDtype;

fn sample() -> (Value, TensorMap) {
    let manifest =
        json!({"classes": ["Hintergrund", "Höhle \"LV\""], "history": [0.25, 1e-7], "escape": "\u{1f}"});
    let tensors = [
        ("b.count", RawTensor::new(RawDtype::I64, vec![], 7i64.to_le_bytes().to_vec()).unwrap()),
        ("a.weight", RawTensor::from_f32(vec![2, 2], &[1.0, -2.0, 0.5, f32::NAN]).unwrap()),
        ("c.flags", RawTensor::new(RawDtype::Bool, vec![3], vec![1, 0, 1]).unwrap()),
        ("d.none", RawTensor::from_f32(vec![0, 5], &[]).unwrap()),
    ];
    (manifest, tensors.map(|(name, tensor)| (name.to_owned(), tensor)).into())
}

fn sample_file() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.coopseg");
    let (manifest, tensors) = sample();
    write(&path, &manifest, &tensors).unwrap();
    std::fs::read(path).unwrap()
}

fn parse(bytes: &[u8]) -> Result<(Value, TensorMap)> {
    read_from(Path::new("m.coopseg"), Cursor::new(bytes), bytes.len() as u64)
}

fn message(bytes: &[u8]) -> String {
    parse(bytes).expect_err("the file was accepted").to_string()
}

/// A file with this header text and data, whatever they say.
fn raw_file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

#[test]
fn a_model_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.coopseg");
    let (manifest, tensors) = sample();
    write(&path, &manifest, &tensors).unwrap();
    let (read_back, read_tensors) = read(&path).unwrap();
    assert_eq!(read_back["format"], FORMAT);
    assert_eq!(read_back["format_version"], FORMAT_VERSION);
    assert_eq!(read_back["classes"], manifest["classes"]);
    assert_eq!(read_back["history"], manifest["history"]);
    assert_eq!(read_tensors, tensors);
    assert_eq!(read_manifest(&path).unwrap(), read_back);

    let first = std::fs::read(&path).unwrap();
    write(&path, &read_back, &read_tensors).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn other_safetensors_readers_can_open_it() {
    let bytes = sample_file();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let (_, tensors) = sample();
    assert_eq!(file.len(), tensors.len());
    for (name, tensor) in &tensors {
        let view = file.tensor(name).unwrap();
        assert_eq!(view.data(), tensor.bytes, "{name}");
        assert_eq!(view.data().as_ptr().align_offset(tensor.dtype.size()), 0, "{name} is not aligned");
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let bytes = sample_file();
    assert!(parse(&bytes).is_ok());
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        let flips = (0..8).map(|bit| bytes[place] ^ (1 << bit));
        for value in flips.chain([!bytes[place], 0, b' ', b'\n', b'\t', b'\r', b'0', b'}']) {
            damaged[place] = value;
            assert!(
                value == bytes[place] || parse(&damaged).is_err(),
                "byte {place} as {value:#04x} was accepted"
            );
        }
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let bytes = sample_file();
    for length in 0..bytes.len() {
        let error = parse(&bytes[..length]).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{length}: {error}");
    }
    assert!(message(&[bytes.as_slice(), &[0]].concat()).contains("truncated or corrupt"));
    // A file that shrinks between the question for its size and the reading.
    let shrunk = read_from(Path::new("m"), Cursor::new(&bytes[..bytes.len() - 1]), bytes.len() as u64);
    assert!(shrunk.unwrap_err().to_string().contains("truncated"));
}

#[test]
fn newer_versions_are_refused_before_anything_else() {
    let header = json!({"__metadata__": {"coopseg": r#"{"format":"coopseg-model","format_version":2}"#},
        "w": {"dtype": "F99", "shape": "new"}});
    let error = parse(&raw_file(&header.to_string(), &[])).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("format version 2") && text.contains("reads format version 1"), "{text}");
}

#[test]
fn other_files_are_told_apart() {
    let plain = safetensors::serialize(
        [("w", safetensors::tensor::TensorView::new(safetensors::Dtype::U8, vec![1], &[1]).unwrap())],
        None,
    )
    .unwrap();
    assert!(message(&plain).contains("not a coopseg model"), "{}", message(&plain));
    assert!(message(b"PK\x03\x04 a zip archive").contains("not a coopseg model: it declares a header of"));
    assert!(message(&raw_file("{}", &[])).contains("without the metadata entry `coopseg`"));
    assert!(message(&raw_file("[[[[", &[])).contains("header is invalid"));
    let other = json!({"__metadata__": {"coopseg": r#"{"format":"other"}"#}}).to_string();
    assert!(message(&raw_file(&other, &[])).contains("format is not"));
    let zero =
        json!({"__metadata__": {"coopseg": r#"{"format":"coopseg-model","format_version":0}"#}}).to_string();
    assert!(message(&raw_file(&zero, &[])).contains("format_version"));
    let absent = read(Path::new("no/such/model.coopseg")).unwrap_err();
    assert!(matches!(absent, Error::NotFound { .. }), "{absent}");
}

#[test]
fn huge_declarations_reserve_nothing() {
    let mut bytes = sample_file();
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(message(&bytes).contains("header of 18446744073709551615 bytes"));
    let label = r#"{"format":"coopseg-model","format_version":1}"#;
    for shape in [json!([1u64 << 60]), json!([1u64 << 40, 1u64 << 40])] {
        let header = json!({"__metadata__": {"coopseg": label, "sha256": ""},
            "w": {"dtype": "U8", "shape": shape, "data_offsets": [0, 1u64 << 60]}});
        assert!(matches!(parse(&raw_file(&header.to_string(), &[])), Err(Error::Format { .. })));
    }
    let header = json!({"__metadata__": {"coopseg": label, "sha256": ""},
        "w": {"dtype": "U16", "shape": [1], "data_offsets": [0, 2]}});
    assert!(matches!(parse(&raw_file(&header.to_string(), &[0; 2])), Err(Error::Unsupported { .. })));
}

#[test]
fn what_cannot_be_read_back_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.coopseg");
    assert!(matches!(write(&path, &json!([1]), &TensorMap::new()), Err(Error::InvalidArgument(_))));
    let odd = RawTensor { dtype: RawDtype::F32, shape: vec![2], bytes: vec![0; 7] };
    let error = write(&path, &json!({}), &[("layer.w".to_owned(), odd)].into()).unwrap_err();
    assert!(matches!(error, Error::InvalidShape(_)) && error.to_string().contains("layer.w"), "{error}");
    let taken = RawTensor::from_f32(vec![1], &[0.0]).unwrap();
    let error = write(&path, &json!({}), &[("__metadata__".to_owned(), taken)].into()).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
    assert!(!path.exists());
}
