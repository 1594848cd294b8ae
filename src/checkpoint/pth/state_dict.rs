//! From the pickle's dictionary and the storages to named tensors.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::archive::Archive;
use super::pickle;
use super::problem::{Outcome, Problem, corrupt, printable};
use super::value::{Heap, Storage, Value, View};
use crate::checkpoint::{RawTensor, TensorMap};

/// Views may repeat the elements of a storage; together they may take this many times the file's
/// size. A `state_dict` with nothing but its own tensors takes at most one time.
const MAX_EXPANSION: u64 = 16;

/// A key of the dictionary and the view it stands for.
struct Entry<'a> {
    key: &'a str,
    view: &'a View,
    /// Number of elements.
    count: usize,
}

/// Reads all tensors; every storage is read once.
pub(super) fn read<R: Read + Seek>(archive: &mut Archive<R>) -> Outcome<TensorMap> {
    let pickle = archive.pickle()?;
    let (root, heap) = pickle::load(&pickle)?;
    let limit = archive.length().saturating_mul(MAX_EXPANSION);
    let mut tensors = TensorMap::new();
    for (storage, entries) in group_by_storage(root, &heap, limit)?.into_values() {
        let bytes = read_storage(archive, storage, &entries)?;
        for (name, tensor) in cut(storage, bytes, entries)? {
            tensors.insert(name, tensor);
        }
    }
    Ok(tensors)
}

type Groups<'a> = BTreeMap<usize, (Storage<'a>, Vec<Entry<'a>>)>;

fn group_by_storage<'a>(root: Value<'a>, heap: &'a Heap<'a>, limit: u64) -> Outcome<Groups<'a>> {
    let Value::Dict(root) = root else {
        return Err(Problem::Unsupported(format!(
            "the file holds {}, not a state_dict (a dictionary of names and tensors)",
            root.kind()
        )));
    };
    let mut groups = Groups::new();
    let mut names = std::collections::BTreeSet::new();
    let mut total = 0u64;
    for &[key, value] in heap.pairs(root) {
        let Value::Text(key) = key else {
            return Err(Problem::Unsupported(format!(
                "a key of the dictionary is {}, not a tensor's name",
                key.kind()
            )));
        };
        let Value::Tensor(tensor) = value else {
            return Err(Problem::Unsupported(format!(
                "{} is {}, not a tensor; save the state_dict itself",
                quoted(key),
                value.kind()
            )));
        };
        if !names.insert(key) {
            return corrupt(format!("the key {} appears twice", quoted(key)));
        }
        let (view, storage) = heap.view(tensor)?;
        let count = view.checked_count(storage).map_err(|problem| problem.within(&quoted(key)))?;
        total = total.saturating_add((count as u64).saturating_mul(storage.dtype.size() as u64));
        if total > limit {
            return corrupt(format!(
                "{}: the tensors up to here need {total} bytes, more than {MAX_EXPANSION} times the file",
                quoted(key)
            ));
        }
        groups.entry(view.storage).or_insert((storage, Vec::new())).1.push(Entry { key, view, count });
    }
    Ok(groups)
}

/// The storage's bytes, exactly as many as it declares.
fn read_storage<R: Read + Seek>(
    archive: &mut Archive<R>,
    storage: Storage<'_>,
    entries: &[Entry<'_>],
) -> Outcome<Vec<u8>> {
    if entries.iter().all(|entry| entry.count == 0) {
        return Ok(Vec::new());
    }
    let user = quoted(entries.first().map_or("", |entry| entry.key));
    let name = printable(storage.key);
    let Some(mut bytes) = archive.storage(storage.key).map_err(|problem| problem.within(&user))? else {
        return corrupt(format!("{user}: its storage, the entry data/{name}, is missing"));
    };
    match storage.count.checked_mul(storage.dtype.size()) {
        Some(length) if length <= bytes.len() => {
            bytes.truncate(length);
            Ok(bytes)
        }
        _ => corrupt(format!(
            "{user}: its storage data/{name} has {} bytes, too few for {} elements of type {}",
            bytes.len(),
            storage.count,
            storage.dtype.name()
        )),
    }
}

fn cut<'a>(
    storage: Storage<'_>,
    bytes: Vec<u8>,
    entries: Vec<Entry<'a>>,
) -> Outcome<Vec<(String, RawTensor)>> {
    let tensor = |entry: &Entry<'a>, bytes| {
        let tensor = RawTensor { dtype: storage.dtype, shape: entry.view.shape.clone(), bytes };
        (entry.key.to_owned(), tensor)
    };
    if let [only] = entries.as_slice()
        && only.count == storage.count
        && only.view.is_contiguous()
    {
        return Ok(vec![tensor(only, bytes)]);
    }
    let gathered = entries.iter().map(|entry| {
        let own = entry.view.gather(entry.count, storage.dtype.size(), &bytes);
        own.map(|own| tensor(entry, own)).map_err(|problem| problem.within(&quoted(entry.key)))
    });
    gathered.collect()
}

fn quoted(key: &str) -> String {
    format!("`{}`", printable(key))
}
