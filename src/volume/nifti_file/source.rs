//! The bytes of a file, unpacked where it is compressed.

use super::gzip::Members;
use super::header::Header;
use super::raw_header::HEADER_SIZE;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

const BUFFER: usize = 1 << 16;
/// Deflate shrinks data by no more than this.
const MOST_COMPRESSION: u64 = 1032;
/// How much may follow the voxels and still be unpacked to see the checksum.
const TRAILER: u64 = 1 << 20;

/// A file that has been opened and whose header has been read.
pub struct Source {
    path: PathBuf,
    stream: Stream,
    position: u64,
}

enum Stream {
    Plain(BufReader<File>),
    Gzip(Box<Members<BufReader<File>>>),
}

/// Opens a file, reads its header and checks that it can hold the voxels that the header declares.
pub fn open(path: &Path) -> Result<(Source, Header)> {
    let failed = |error| Error::io(path, "read", error);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        let kind = if metadata.is_dir() { "a folder" } else { "a special file" };
        return Err(Error::format(path, format!("is {kind}; expected a NIfTI file")));
    }
    refuse_pair(path)?;
    let length = metadata.len();
    if length == 0 {
        return Err(Error::format(path, "is empty; expected a NIfTI file"));
    }
    let mut file = File::open(path).map_err(failed)?;
    let compressed = starts_as_gzip(&mut file).map_err(failed)?;
    let reader = BufReader::with_capacity(BUFFER, file);
    let stream =
        if compressed { Stream::Gzip(Box::new(Members::new(reader))) } else { Stream::Plain(reader) };
    let mut source = Source { path: path.to_owned(), stream, position: 0 };

    let mut bytes = [0; HEADER_SIZE];
    let found = source.fill(&mut bytes)?;
    if found < HEADER_SIZE {
        return Err(Error::format(
            path,
            format!("holds {found} bytes, less than the {HEADER_SIZE} of a NIfTI-1 header"),
        ));
    }
    let header = Header::parse(path, &bytes)?;
    let needed = header.offset.saturating_add((header.count * header.dtype.size()) as u64);
    let most = if compressed { length.saturating_mul(MOST_COMPRESSION) } else { length };
    if needed > most {
        let [x, y, z] = header.grid.shape;
        let what = if compressed { "compressed " } else { "" };
        return Err(Error::format(
            path,
            format!(
                "is truncated: {x}×{y}×{z} voxels of {} from byte {} end at byte {needed}, but the {what}file has \
                 {length}",
                header.dtype.name(),
                header.offset
            ),
        ));
    }
    Ok((source, header))
}

/// Whether the file begins as gzip files do. It is at its start again afterwards.
fn starts_as_gzip(file: &mut File) -> std::io::Result<bool> {
    let mut start = Vec::with_capacity(2);
    file.by_ref().take(2).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(start == [0x1f, 0x8b])
}

fn refuse_pair(path: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let pair = [".img", ".hdr", ".img.gz", ".hdr.gz"];
    if pair.iter().any(|ending| name.ends_with(ending)) {
        return Err(Error::Unsupported {
            path: path.to_owned(),
            problem: "belongs to a .hdr/.img pair; single .nii or .nii.gz files are supported".to_owned(),
        });
    }
    Ok(())
}

impl Source {
    /// Whether the file is compressed: how much it holds is then known only when it has been read.
    pub fn is_compressed(&self) -> bool {
        matches!(self.stream, Stream::Gzip(_))
    }

    /// Goes on to byte `offset`.
    pub fn skip_to(&mut self, offset: u64) -> Result<()> {
        let mut left = offset.saturating_sub(self.position);
        let mut scratch = [0; 4096];
        while left > 0 {
            let step = scratch.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let part = scratch.get_mut(..step).unwrap_or_default();
            if self.fill(part)? < step {
                return Err(Error::format(
                    &self.path,
                    format!(
                        "is truncated: it ends at byte {}, before its voxels at byte {offset}",
                        self.position
                    ),
                ));
            }
            left -= step as u64;
        }
        Ok(())
    }

    /// Fills the buffer; how much was found, which is less only at the end.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut found = 0;
        while let Some(rest) = buffer.get_mut(found..).filter(|rest| !rest.is_empty()) {
            match self.read(rest) {
                Ok(0) => break,
                Ok(count) => found += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failure(error)),
            }
        }
        self.position += found as u64;
        Ok(found)
    }

    /// Reads on behind the voxels so that a compressed file's checksum is compared.
    pub fn finish(mut self) -> Result<()> {
        if !self.is_compressed() {
            return Ok(());
        }
        let mut scratch = [0; 4096];
        let end = self.position.saturating_add(TRAILER);
        while self.position < end && self.fill(&mut scratch)? == scratch.len() {}
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(reader) => reader.read(buffer),
            Stream::Gzip(reader) => reader.read(buffer),
        }
    }

    fn failure(&self, error: std::io::Error) -> Error {
        match error.kind() {
            ErrorKind::UnexpectedEof => {
                Error::format(&self.path, "is truncated: the compressed data end before their end mark")
            }
            ErrorKind::InvalidInput | ErrorKind::InvalidData if self.is_compressed() => {
                Error::format(&self.path, format!("holds corrupt compressed data: {error}"))
            }
            _ => Error::io(&self.path, "read", error),
        }
    }
}
