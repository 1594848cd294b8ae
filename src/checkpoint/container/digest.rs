//! The digest that tells a changed byte.

use sha2::{Digest, Sha256};

use crate::checkpoint::TensorMap;

/// Lower-case hexadecimal SHA-256 over the manifest's text and then, for every tensor in name
/// order, its name, element type, shape and data. Texts, shapes and data are each preceded by
/// their length, all numbers are 64-bit little-endian: no two models give the same input.
pub(super) fn hex(manifest: &str, tensors: &TensorMap) -> String {
    let mut hash = Sha256::new();
    put(&mut hash, manifest.as_bytes());
    for (name, tensor) in tensors {
        put(&mut hash, name.as_bytes());
        put(&mut hash, tensor.dtype.name().as_bytes());
        hash.update((tensor.shape.len() as u64).to_le_bytes());
        for extent in &tensor.shape {
            hash.update(extent.to_le_bytes());
        }
        put(&mut hash, &tensor.bytes);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn put(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}
