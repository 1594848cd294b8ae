//! Voxels that stay the caller's.

use super::dataset::coopseg_release_callback;
use super::image::{self, coopseg_image};
use crate::dataset::ExternalCase;
use crate::error::{Error, Result};
use crate::volume::Volume;
use std::ffi::c_void;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Image and labels in the caller's memory, which is told when this is dropped.
pub(super) struct BorrowedCase {
    image: coopseg_image,
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
        image: *const coopseg_image,
        labels: *const coopseg_image,
        release: coopseg_release_callback,
        user_data: *mut c_void,
    ) -> Result<Self> {
        // SAFETY: passed on.
        let view = unsafe { image::view(image, "image") }?;
        if !labels.is_null() {
            // SAFETY: passed on.
            let label_view = unsafe { image::view(labels, "labels") }?;
            if label_view.shape() != view.shape() {
                return Err(Error::InvalidShape(format!(
                    "`labels` has shape {:?}, `image` {:?}; expected the same",
                    label_view.shape(),
                    view.shape()
                )));
            }
        }
        Ok(BorrowedCase {
            // SAFETY: `view` has checked both pointers and sizes.
            image: unsafe { image.read() },
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

    fn load(&self) -> Result<(Volume<f32>, Option<Volume<u8>>)> {
        // SAFETY: checked when it was made; the caller keeps the voxels until the release.
        let view = unsafe { image::view(&raw const self.image, "image") }?;
        let volume = Volume { voxels: view.to_f32()?, geometry: *view.geometry() };
        let labels = match &self.labels {
            None => None,
            Some(labels) => {
                // SAFETY: as above.
                let view = unsafe { image::view(labels, "labels") }?;
                let voxels = view.labels(255).map_err(|error| error.in_parameter("labels"))?;
                Some(Volume { voxels, geometry: *view.geometry() })
            }
        };
        Ok((volume, labels))
    }
}

impl fmt::Debug for BorrowedCase {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("BorrowedCase").field("image", &self.image).finish_non_exhaustive()
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
