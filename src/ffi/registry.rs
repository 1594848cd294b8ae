//! Handles: names for objects that live in a table on this side of the boundary.
//!
//! A handle is a number in the shape of a pointer, never an address. It is looked up on every call, so a
//! handle that was freed, was made elsewhere or is of another kind is always told apart; and an object
//! that is freed while another call uses it lives until that call ends.

use super::dataset::coopseg_dataset;
use super::evaluation::coopseg_evaluation;
use super::model::coopseg_model;
use super::segmenter::coopseg_segmenter;
use super::trainer::{TrainerObject, coopseg_trainer};
use super::volume::coopseg_volume;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluate::Evaluation;
use crate::model::Model;
use crate::segment::Segmenter;
use once_cell::sync::Lazy;
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// An opaque C type and the object that its handles name.
pub trait Handle {
    /// The object behind the handle.
    type Object: Send + Sync + 'static;
    /// Name of the C type.
    const NAME: &'static str;
    /// Distinguishes the kinds in the handle's lowest bits; 1 to 15.
    const KIND: usize;
}

impl Handle for coopseg_model {
    type Object = Model;
    const NAME: &'static str = "coopseg_model";
    const KIND: usize = 1;
}

impl Handle for coopseg_segmenter {
    type Object = Segmenter;
    const NAME: &'static str = "coopseg_segmenter";
    const KIND: usize = 2;
}

impl Handle for coopseg_dataset {
    type Object = RwLock<Dataset>;
    const NAME: &'static str = "coopseg_dataset";
    const KIND: usize = 3;
}

impl Handle for coopseg_trainer {
    type Object = TrainerObject;
    const NAME: &'static str = "coopseg_trainer";
    const KIND: usize = 4;
}

impl Handle for coopseg_evaluation {
    type Object = Evaluation;
    const NAME: &'static str = "coopseg_evaluation";
    const KIND: usize = 6;
}

impl Handle for coopseg_volume {
    type Object = super::volume::LoadedVolume;
    const NAME: &'static str = "coopseg_volume";
    const KIND: usize = 5;
}

const NAMES: [&str; 7] = [
    "",
    coopseg_model::NAME,
    coopseg_segmenter::NAME,
    coopseg_dataset::NAME,
    coopseg_trainer::NAME,
    coopseg_volume::NAME,
    coopseg_evaluation::NAME,
];

/// No address of user space begins with these bits, so a handle is never mistaken for a pointer.
const MARK: usize = 0xC005 << 48;
const KIND_BITS: u32 = 4;

#[derive(Default)]
struct Registry {
    objects: HashMap<usize, Arc<dyn Any + Send + Sync>>,
    made: usize,
}

static REGISTRY: Lazy<RwLock<Registry>> = Lazy::new(RwLock::default);

/// Puts an object into the table and returns its handle.
pub fn insert<H: Handle>(object: H::Object) -> *mut H {
    insert_shared(Arc::new(object))
}

/// Makes one more handle to an object.
pub fn insert_shared<H: Handle>(object: Arc<H::Object>) -> *mut H {
    let mut registry = REGISTRY.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    registry.made += 1;
    let handle = MARK | (registry.made << KIND_BITS) | H::KIND;
    registry.objects.insert(handle, object);
    std::ptr::without_provenance_mut(handle)
}

/// The object that a handle names.
pub fn get<H: Handle>(handle: *const H, parameter: &'static str) -> Result<Arc<H::Object>> {
    if handle.is_null() {
        return Err(Error::NullArgument(parameter));
    }
    let registry = REGISTRY.read().unwrap_or_else(|poisoned| poisoned.into_inner());
    check::<H>(handle.addr(), parameter, &registry)?;
    registry
        .objects
        .get(&handle.addr())
        .and_then(|object| Arc::clone(object).downcast::<H::Object>().ok())
        .ok_or_else(|| Error::Internal(format!("`{parameter}` names an object of another type")))
}

/// The same for a handle that may be NULL.
pub fn get_optional<H: Handle>(handle: *const H, parameter: &'static str) -> Result<Option<Arc<H::Object>>> {
    if handle.is_null() { Ok(None) } else { get(handle, parameter).map(Some) }
}

/// Takes an object out of the table. NULL does nothing.
pub fn remove<H: Handle>(handle: *mut H, parameter: &'static str) -> Result<()> {
    if handle.is_null() {
        return Ok(());
    }
    let object = {
        let mut registry = REGISTRY.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        check::<H>(handle.addr(), parameter, &registry)?;
        registry.objects.remove(&handle.addr())
    };
    // Dropped outside the lock: freeing a big object takes time.
    drop(object);
    Ok(())
}

fn check<H: Handle>(handle: usize, parameter: &str, registry: &Registry) -> Result<()> {
    let kind = handle & ((1 << KIND_BITS) - 1);
    let serial = (handle & !MARK) >> KIND_BITS;
    let ours = handle & MARK == MARK && serial >= 1 && serial <= registry.made;
    match NAMES.get(kind) {
        Some(_) if kind == H::KIND && registry.objects.contains_key(&handle) => Ok(()),
        Some(name) if ours && kind != 0 && kind != H::KIND => {
            Err(Error::InvalidHandle(format!("`{parameter}` is a {name}; expected a {}", H::NAME)))
        }
        Some(_) if ours && kind == H::KIND => {
            Err(Error::InvalidHandle(format!("`{parameter}` is a {} that was freed already", H::NAME)))
        }
        _ => Err(Error::InvalidHandle(format!(
            "`{parameter}` is {handle:#x}, which was not made by this library; expected a {}",
            H::NAME
        ))),
    }
}

/// How many objects are alive: made and not yet freed. For tests that look for leaks.
///
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_live_handles() -> usize {
    REGISTRY.read().unwrap_or_else(|poisoned| poisoned.into_inner()).objects.len()
}
