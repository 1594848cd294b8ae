//! Whole files, made byte by byte here.

mod hostile;
mod reading;
mod writing;

use std::io::Write;
use std::path::{Path, PathBuf};

/// A NIfTI-1 file under construction.
#[derive(Clone)]
struct Fixture {
    bytes: Vec<u8>,
    big: bool,
}

/// NIfTI's code of a Rust type.
trait Stored: Copy {
    const CODE: i16;
    fn little(self) -> Vec<u8>;
    fn number(value: u8) -> Self;
}

macro_rules! stored {
    ($($type:ty: $code:expr),*) => {
        $(impl Stored for $type {
            const CODE: i16 = $code;
            fn little(self) -> Vec<u8> {
                self.to_le_bytes().to_vec()
            }
            fn number(value: u8) -> Self {
                value as $type
            }
        })*
    };
}
stored!(u8: 2, i16: 4, i32: 8, f32: 16, f64: 64, i8: 256, u16: 512, u32: 768, i64: 1024, u64: 1280);

impl Fixture {
    /// A header with an oblique, flipped, anisotropic sform, and these voxels, x fastest.
    fn new<T: Stored>(big: bool, dims: &[i16], voxels: &[T]) -> Self {
        let mut fixture = Fixture { bytes: vec![0; 352], big };
        fixture.i32(0, 348);
        fixture.i16(40, dims.len() as i16);
        for (index, &size) in dims.iter().enumerate() {
            fixture.i16(42 + 2 * index, size);
        }
        fixture.i16(70, T::CODE);
        fixture.i16(72, 8 * size_of::<T>() as i16);
        for (index, size) in [1.0, 1.5, 2.0, 3.0, 1.0, 1.0, 1.0, 1.0].into_iter().enumerate() {
            fixture.f32(76 + 4 * index, size);
        }
        fixture.f32(108, 352.0);
        fixture.bytes[123] = 10;
        fixture.put(148, b"a description");
        fixture.i16(254, 2);
        // Turned by 30° about z, y reversed.
        let (sine, cosine) = (0.5f32, 0.75f32.sqrt());
        let rows = [
            [1.5 * cosine, 2.0 * sine, 0.0, -10.0],
            [1.5 * sine, -2.0 * cosine, 0.0, 20.0],
            [0.0, 0.0, 3.0, 30.0],
        ];
        for (index, &value) in rows.iter().flatten().enumerate() {
            fixture.f32(280 + 4 * index, value);
        }
        fixture.put(344, b"n+1\0");
        for &voxel in voxels {
            let bytes = fixture.ordered(voxel.little());
            fixture.bytes.extend(bytes);
        }
        fixture
    }

    fn ordered(&self, mut little: Vec<u8>) -> Vec<u8> {
        if self.big {
            little.reverse();
        }
        little
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    fn i16(&mut self, offset: usize, value: i16) -> &mut Self {
        let bytes = self.ordered(value.to_le_bytes().to_vec());
        self.put(offset, &bytes);
        self
    }

    fn i32(&mut self, offset: usize, value: i32) -> &mut Self {
        let bytes = self.ordered(value.to_le_bytes().to_vec());
        self.put(offset, &bytes);
        self
    }

    fn f32(&mut self, offset: usize, value: f32) -> &mut Self {
        let bytes = self.ordered(value.to_le_bytes().to_vec());
        self.put(offset, &bytes);
        self
    }

    fn gzipped(&self) -> Vec<u8> {
        gzip(&self.bytes)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder that goes with the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// The unpacked bytes of a file that was written.
fn content(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes.as_slice()), &mut content).unwrap();
    content
}
