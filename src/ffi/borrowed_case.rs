//! Voxels that stay the caller's.

use super::dataset::coopseg_release_callback;
use super::image::{self, Named, coopseg_image};
use crate::dataset::{Channels, ExternalCase};
use crate::error::Result;
use crate::exit;
use crate::volume::{Geometry, Volume, check_same_grid};
use std::ffi::c_void;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Image and labels in the caller's memory, which is told when this is dropped.
pub(super) struct BorrowedCase {
    channels: Vec<(coopseg_image, &'static str)>,
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
        channels: &[Named],
        labels: *const coopseg_image,
        release: coopseg_release_callback,
        user_data: *mut c_void,
    ) -> Result<Self> {
        let labelled = (!labels.is_null()).then_some(Named { image: labels, parameter: "labels" });
        let mut first: Option<(&str, [usize; 3], Geometry)> = None;
        for Named { image, parameter } in channels.iter().copied().chain(labelled) {
            // SAFETY: passed on.
            let view = unsafe { image::view(image, parameter) }?;
            let (name, shape, geometry) = *first.get_or_insert((parameter, view.shape(), *view.geometry()));
            check_same_grid((name, shape, &geometry), (parameter, view.shape(), view.geometry()))?;
        }
        Ok(BorrowedCase {
            channels: channels
                .iter()
                // SAFETY: `view` has checked pointers and sizes.
                .map(|channel| unsafe { (channel.image.read(), channel.parameter) })
                .collect(),
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
            .map(|(channel, parameter)| {
                // SAFETY: checked when it was made; the caller keeps the voxels until the release.
                let view = unsafe { image::view(channel, parameter) }?;
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
            exit::in_callback(|| unsafe { release(self.user_data) });
        }
    }
}
