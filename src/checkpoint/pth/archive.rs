//! The zip container that `torch.save` writes: `NAME/data.pkl`, `NAME/data/KEY`, `NAME/byteorder`,
//! `NAME/version`, all stored without compression.

use std::io::{Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

use super::problem::{Outcome, Problem, corrupt, reserve};

/// Largest `data.pkl` that is read; a tensor takes less than 300 bytes of it.
const MAX_PICKLE_BYTES: u64 = 16 << 20;
/// Largest of the one-line text entries.
const MAX_TEXT_BYTES: u64 = 64;
/// Newest container version that PyTorch's own reader accepts.
const MAX_CONTAINER_VERSION: u64 = 10;

/// Start of a zip archive's first entry.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
/// After the pickle protocol: the number 0x1950a86a20f9469cfc6c with which the format of PyTorch
/// before 1.6 begins.
const LEGACY_MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
/// A tar archive (the format of PyTorch before 0.4) says so at this offset.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");

const RESAVE: &str =
    "re-save it with PyTorch 1.6 or later: torch.save(torch.load(f, map_location=\"cpu\"), f)";

/// An open archive whose entries are read on demand.
pub(super) struct Archive<R> {
    zip: ZipArchive<R>,
    /// The folder that all entries lie in, with its slash.
    folder: Vec<u8>,
    /// Bytes of the whole file: no entry can hold more.
    length: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// Opens the container, finds its folder and checks byte order and version.
    pub(super) fn open(mut reader: R) -> Outcome<Self> {
        let length = reader.seek(SeekFrom::End(0))?;
        reader.rewind()?;
        let mut start = Vec::new();
        (&mut reader).take(512).read_to_end(&mut start)?;
        recognise(&start)?;
        reader.rewind()?;
        let mut zip = ZipArchive::new(reader)?;
        if zip.has_duplicate_names() {
            return corrupt("the zip archive holds two entries of one name");
        }
        // Entries that share their bytes could make a small file read as a huge one.
        if zip.has_overlapping_files()? {
            return corrupt("the zip archive is corrupt (its entries overlap)");
        }
        let folder = find_folder(&zip)?;
        let mut archive = Archive { zip, folder, length };
        archive.check_byte_order()?;
        archive.check_version()?;
        Ok(archive)
    }

    /// Bytes of the whole file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The pickle that describes the tensors.
    pub(super) fn pickle(&mut self) -> Outcome<Vec<u8>> {
        match self.entry("data.pkl", MAX_PICKLE_BYTES)? {
            Some(bytes) => Ok(bytes),
            None => corrupt("the entry data.pkl is missing"),
        }
    }

    /// The bytes of the storage named `key`; `None` if there is no such entry.
    pub(super) fn storage(&mut self, key: &str) -> Outcome<Option<Vec<u8>>> {
        self.entry(&format!("data/{key}"), self.length)
    }

    fn check_byte_order(&mut self) -> Outcome<()> {
        match self.entry("byteorder", MAX_TEXT_BYTES)?.as_deref() {
            // Absent before PyTorch 2.1, which wrote the machine's own order.
            None | Some(b"little") => Ok(()),
            Some(b"big") => Err(Problem::Unsupported(
                "the tensors are in big-endian byte order; re-save them on a little-endian machine".into(),
            )),
            Some(other) => corrupt(format!("byteorder is \"{}\", expected \"little\"", other.escape_ascii())),
        }
    }

    fn check_version(&mut self) -> Outcome<()> {
        let Some(text) = self.entry("version", MAX_TEXT_BYTES)? else {
            return Ok(());
        };
        let version = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse::<u64>().ok());
        match version {
            Some(version) if version <= MAX_CONTAINER_VERSION => Ok(()),
            Some(version) => Err(Problem::Unsupported(format!(
                "container version {version}; versions up to {MAX_CONTAINER_VERSION} are supported"
            ))),
            None => corrupt(format!("version is \"{}\", expected a number", text.escape_ascii())),
        }
    }

    /// The bytes of an entry, whose checksum the zip reader compares at the end.
    fn entry(&mut self, name: &str, limit: u64) -> Outcome<Option<Vec<u8>>> {
        let Some(index) = self.zip.index_for_name_raw(&[&self.folder, name.as_bytes()].concat()) else {
            return Ok(None);
        };
        let entry = self.zip.by_index(index).map_err(|error| Problem::from(error).within(name))?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(Problem::Unsupported(format!(
                "{name} is compressed ({:?}); torch.save stores its entries",
                entry.compression()
            )));
        }
        let size = entry.size();
        if size > limit.min(self.length) {
            return corrupt(format!(
                "{name} declares {size} bytes, at most {} are possible",
                limit.min(self.length)
            ));
        }
        let length =
            usize::try_from(size).map_err(|_| Problem::Memory(format!("{name} has {size} bytes")))?;
        let mut bytes = reserve(length, name)?;
        let mut limited = entry.take(size.saturating_add(1));
        limited.read_to_end(&mut bytes).map_err(|error| Problem::from(error).within(name))?;
        if bytes.len() != length {
            return corrupt(format!("{name} has {} bytes, {length} were declared", bytes.len()));
        }
        Ok(Some(bytes))
    }
}

/// Tells a zip archive from what else `torch.save` has written over the years.
fn recognise(start: &[u8]) -> Outcome<()> {
    if start.starts_with(ZIP_MAGIC) {
        return Ok(());
    }
    let legacy =
        start.first() == Some(&0x80) && start.get(2..).is_some_and(|rest| rest.starts_with(LEGACY_MAGIC));
    let tar = start.get(TAR_MAGIC.0..).is_some_and(|rest| rest.starts_with(TAR_MAGIC.1));
    if legacy || tar {
        return Err(Problem::Unsupported(format!(
            "this is a file in the format of PyTorch before 1.6; {RESAVE}"
        )));
    }
    corrupt(match start.get(..4) {
        Some(magic) => format!(
            "not a PyTorch state_dict file: it begins with \"{}\", not with the zip signature \"PK\\x03\\x04\"",
            magic.escape_ascii()
        ),
        None => format!("not a PyTorch state_dict file: it has only {} bytes", start.len()),
    })
}

/// The one top folder that holds `data.pkl`.
fn find_folder<R: Read + Seek>(zip: &ZipArchive<R>) -> Outcome<Vec<u8>> {
    let folder_of = |name: &[u8]| {
        let folder = name.strip_suffix(b"data.pkl")?.strip_suffix(b"/")?;
        (!folder.contains(&b'/')).then(|| [folder, b"/"].concat())
    };
    let mut folders = zip.file_names_raw().filter_map(folder_of);
    let folder = match (folders.next(), folders.next()) {
        (Some(folder), None) => folder,
        (None, _) => {
            return corrupt("not a PyTorch state_dict file: the zip archive holds no FOLDER/data.pkl");
        }
        (Some(_), Some(_)) => return corrupt("the zip archive holds more than one data.pkl"),
    };
    if zip.index_for_name_raw(&[&folder, b"constants.pkl".as_slice()].concat()).is_some() {
        return Err(Problem::Unsupported(
            "this is a TorchScript archive; save the module's state_dict() with torch.save instead".into(),
        ));
    }
    Ok(folder)
}
