//! Voxels that stay the caller's.

use super::dataset::coopseg_release_callback;
use super::image::{self, coopseg_image};
use crate::dataset::{Channels, ExternalCase};
use crate::error::{Error, Result};
use crate::volume::Volume;
use std::ffi::c_void;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Image and labels in the caller's memory, which is told when this is dropped.
pub(super) struct BorrowedCase {
    channels: Vec<coopseg_image>,
    labels: Option<coopseg_image>,
    release: coopseg_release_callback,
    user_data: *mut c_void,
    accepted: AtomicBool,
}

// SAFETY: the images are only read, and by contract nobody changes them; the caller says that the callback and its
// user_data may be used from any thread.
unsafe impl Send for BorrowedCase {}
// SAFETY: as above.
unsafe impl Sync for BorrowedCase {}

impl BorrowedCase {
    /// Checks the images. Nothing is released before [`BorrowedCase::accept`].
    ///
    /// # Safety
    /// The images are as [`coopseg_image`] says; their voxels stay as they are until the release.
    pub(super) unsafe fn new(
        channels: &[*const coopseg_image],
        labels: *const coopseg_image,
        release: coopseg_release_callback,
        user_data: *mut c_void,
    ) -> Result<Self> {
        let mut shape = None;
        for (pointer, parameter) in
            channels.iter().map(|&channel| (channel, "image")).chain([(labels, "labels")])
        {
            if pointer.is_null() && parameter == "labels" {
                continue;
            }
            // SAFETY: passed on.
            let found = unsafe { image::view(pointer, parameter) }?.shape();
            let expected = *shape.get_or_insert(found);
            if found != expected {
                return Err(Error::InvalidShape(format!(
                    "`{parameter}` has shape {found:?}, the first channel {expected:?}; expected the same"
                )));
            }
        }
        Ok(BorrowedCase {
            // SAFETY: `view` has checked pointers and sizes.
            channels: channels.iter().map(|&channel| unsafe { channel.read() }).collect(),
            // SAFETY: as above.
            labels: (!labels.is_null()).then(|| unsafe { labels.read() }),
            release,
            user_data,
            accepted: AtomicBool::new(false),
        })
    }

    /// From now on the caller is told when the voxels are needed no longer.
    pub(super) fn accept(&self) {
        self.accepted.store(true, Ordering::Release);
    }
}

impl ExternalCase for BorrowedCase {
    fn has_labels(&self) -> bool {
        self.labels.is_some()
    }

    fn load(&self) -> Result<Channels> {
        let channels = self
            .channels
            .iter()
            .map(|channel| {
                // SAFETY: checked when it was made; the caller keeps the voxels until the release.
                let view = unsafe { image::view(channel, "image") }?;
                Ok(Volume { voxels: view.to_f32()?, geometry: *view.geometry() })
            })
            .collect::<Result<_>>()?;
        let labels = match &self.labels {
            None => None,
            Some(labels) => {
                // SAFETY: as above.
                let view = unsafe { image::view(labels, "labels") }?;
                let voxels = view.labels(255).map_err(|error| error.in_parameter("labels"))?;
                Some(Volume { voxels, geometry: *view.geometry() })
            }
        };
        Ok((channels, labels))
    }
}

impl fmt::Debug for BorrowedCase {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("BorrowedCase").field("channels", &self.channels).finish_non_exhaustive()
    }
}

impl Drop for BorrowedCase {
    fn drop(&mut self) {
        if let (true, Some(release)) = (self.accepted.load(Ordering::Acquire), self.release) {
            // SAFETY: the caller's callback with the caller's user_data.
            unsafe { release(self.user_data) };
        }
    }
}
