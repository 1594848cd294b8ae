//! The closed set of values that a `state_dict` pickle can make.

use std::collections::HashMap;

use super::problem::{Outcome, Problem, corrupt, printable};
use crate::checkpoint::RawDtype;

/// Limit of tuples, dictionaries and tensors together; a tensor of a `state_dict` makes about six.
const MAX_OBJECTS: usize = 1 << 20;
/// Limit of a tensor's axes.
const MAX_RANK: usize = 16;

/// A value; containers refer to their contents in the [`Heap`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    None,
    Bool,
    Int(i64),
    Float,
    Text(&'a str),
    Tuple(usize),
    List,
    Dict(usize),
    Global(Global),
    Storage(usize),
    Tensor(usize),
}

impl Value<'_> {
    /// What it is, for messages.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Bool => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float => "a number",
            Value::Text(_) => "text",
            Value::Tuple(_) => "a tuple",
            Value::List => "a list",
            Value::Dict(_) => "a dictionary",
            Value::Global(_) => "a class",
            Value::Storage(_) => "a storage",
            Value::Tensor(_) => "a tensor",
        }
    }
}

/// The only names that a pickle may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(RawDtype),
}

impl Global {
    /// Looks a name up in the allow-list.
    pub(super) fn find(module: &str, name: &str) -> Outcome<Self> {
        let storage = |dtype| Ok(Global::Storage(dtype));
        match (module, name) {
            ("collections", "OrderedDict") => Ok(Global::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => Ok(Global::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Ok(Global::RebuildParameter),
            ("torch", "FloatStorage") => storage(RawDtype::F32),
            ("torch", "DoubleStorage") => storage(RawDtype::F64),
            ("torch", "HalfStorage") => storage(RawDtype::F16),
            ("torch", "BFloat16Storage") => storage(RawDtype::BF16),
            ("torch", "LongStorage") => storage(RawDtype::I64),
            ("torch", "IntStorage") => storage(RawDtype::I32),
            ("torch", "ShortStorage") => storage(RawDtype::I16),
            ("torch", "CharStorage") => storage(RawDtype::I8),
            ("torch", "ByteStorage") => storage(RawDtype::U8),
            ("torch", "BoolStorage") => storage(RawDtype::Bool),
            _ => Err(Problem::Unsupported(format!(
                "data.pkl refers to {}.{}, which is not part of a plain state_dict; \
                 save model.state_dict() instead of other objects",
                printable(module),
                printable(name)
            ))),
        }
    }
}

/// A run of elements in the archive, which tensors are views of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Storage<'a> {
    pub(super) key: &'a str,
    pub(super) dtype: RawDtype,
    /// Number of elements.
    pub(super) count: usize,
}

/// A view of a storage; offset and strides count elements.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) storage: usize,
    pub(super) offset: usize,
    pub(super) shape: Vec<i64>,
    pub(super) strides: Vec<usize>,
}

/// Where containers, storages and tensors live.
#[derive(Debug, Default)]
pub(super) struct Heap<'a> {
    tuples: Vec<Vec<Value<'a>>>,
    dicts: Vec<Vec<[Value<'a>; 2]>>,
    storages: Vec<Storage<'a>>,
    storage_index: HashMap<&'a str, usize>,
    tensors: Vec<View>,
}

impl<'a> Heap<'a> {
    pub(super) fn tuple(&mut self, items: Vec<Value<'a>>) -> Outcome<Value<'a>> {
        self.check_room()?;
        self.tuples.push(items);
        Ok(Value::Tuple(self.tuples.len() - 1))
    }

    pub(super) fn dict(&mut self) -> Outcome<Value<'a>> {
        self.check_room()?;
        self.dicts.push(Vec::new());
        Ok(Value::Dict(self.dicts.len() - 1))
    }

    pub(super) fn extend_dict(&mut self, index: usize, pairs: &[[Value<'a>; 2]]) -> Outcome<()> {
        match self.dicts.get_mut(index) {
            Some(dict) => {
                dict.extend_from_slice(pairs);
                Ok(())
            }
            None => corrupt("a dictionary is missing"),
        }
    }

    /// Keys and values of a dictionary, in the order they were set.
    pub(super) fn pairs(&self, index: usize) -> &[[Value<'a>; 2]] {
        self.dicts.get(index).map_or(&[], Vec::as_slice)
    }

    pub(super) fn view(&self, index: usize) -> Outcome<(&View, Storage<'a>)> {
        let view = self.tensors.get(index);
        match view.and_then(|view| Some((view, *self.storages.get(view.storage)?))) {
            Some(found) => Ok(found),
            None => corrupt("a tensor is missing"),
        }
    }

    /// The storage that a persistent id `("storage", type, key, location, count)` names.
    pub(super) fn persistent(&mut self, id: Value<'a>) -> Outcome<Value<'a>> {
        let &[
            Value::Text("storage"),
            Value::Global(Global::Storage(dtype)),
            Value::Text(key),
            Value::Text(_),
            Value::Int(count),
        ] = self.items(id)
        else {
            return corrupt("a persistent id is not (\"storage\", type, key, location, number of elements)");
        };
        let Ok(count) = usize::try_from(count) else {
            return corrupt(format!("storage `{}` declares {count} elements", printable(key)));
        };
        let storage = Storage { key, dtype, count };
        let index = *self.storage_index.entry(key).or_insert(self.storages.len());
        match self.storages.get(index) {
            None => {
                self.check_room()?;
                self.storages.push(storage);
            }
            Some(known) if *known != storage => {
                return corrupt(format!(
                    "storage `{}` is declared twice, with different types or sizes",
                    printable(key)
                ));
            }
            Some(_) => {}
        }
        Ok(Value::Storage(index))
    }

    /// What calling one of the allowed globals makes.
    pub(super) fn call(&mut self, global: Global, arguments: Value<'a>) -> Outcome<Value<'a>> {
        match (global, self.items(arguments)) {
            (Global::OrderedDict, []) if matches!(arguments, Value::Tuple(_)) => self.dict(),
            (
                Global::RebuildTensor,
                &[
                    Value::Storage(storage),
                    Value::Int(offset),
                    shape,
                    strides,
                    Value::Bool,
                    _,
                    ref metadata @ ..,
                ],
            ) if metadata.len() <= 1 => self.tensor(storage, offset, shape, strides),
            (Global::RebuildParameter, &[tensor @ Value::Tensor(_), Value::Bool, _]) => Ok(tensor),
            (Global::Storage(dtype), _) => corrupt(format!("a storage class ({}) is called", dtype.name())),
            _ => corrupt(format!("{global:?} is called with unexpected arguments")),
        }
    }

    fn tensor(
        &mut self,
        storage: usize,
        offset: i64,
        shape: Value<'a>,
        strides: Value<'a>,
    ) -> Outcome<Value<'a>> {
        self.check_room()?;
        let shape = self.extents(shape)?;
        let strides = self.extents(strides)?;
        let strides = strides.into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>();
        match (usize::try_from(offset), strides) {
            (Ok(offset), Ok(strides)) if strides.len() == shape.len() => {
                self.tensors.push(View { storage, offset, shape, strides });
                Ok(Value::Tensor(self.tensors.len() - 1))
            }
            _ => corrupt("a tensor's offset, shape and strides do not fit each other"),
        }
    }

    fn extents(&self, value: Value<'a>) -> Outcome<Vec<i64>> {
        let items = self.items(value);
        if items.len() > MAX_RANK {
            return corrupt(format!("a tensor of {} axes; at most {MAX_RANK} are read", items.len()));
        }
        let integers = items.iter().map(|item| match *item {
            Value::Int(extent) if extent >= 0 => Some(extent),
            _ => None,
        });
        match integers.collect() {
            Some(extents) if matches!(value, Value::Tuple(_)) => Ok(extents),
            _ => corrupt("a tensor's shape or strides are not a tuple of integers from 0"),
        }
    }

    fn items(&self, value: Value<'a>) -> &[Value<'a>] {
        match value {
            Value::Tuple(index) => self.tuples.get(index).map_or(&[], Vec::as_slice),
            _ => &[],
        }
    }

    fn check_room(&self) -> Outcome<()> {
        if self.tuples.len() + self.dicts.len() + self.storages.len() + self.tensors.len() >= MAX_OBJECTS {
            return corrupt(format!("more than {MAX_OBJECTS} objects"));
        }
        Ok(())
    }
}
