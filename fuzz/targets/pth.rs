//! Any bytes as a `state_dict` file of PyTorch, and as the pickle in one: refused in words, or read into tensors that fit
//! their shapes.

#![no_main]

use coopseg::checkpoint::pth;
use coopseg_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

thread_local!(static SCRATCH: Scratch = Scratch::new());

fuzz_target!(|bytes: &[u8]| {
    // The archive's checksum would refuse nearly every change of the pickle in it.
    for file in [bytes, &archive(bytes)] {
        let read = SCRATCH.with(|scratch| pth::read(&scratch.file("weights.pth", file)));
        for tensor in read.iter().flat_map(|tensors| tensors.values()) {
            tensor.check().expect("bytes as many as the shape says");
            assert_eq!(tensor.to_f32().len(), tensor.numel());
        }
    }
});

/// An archive as `torch.save` writes it, with three storages of 64 bytes.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let storage: &[u8] = &[7; 64];
    let entries: [(&str, &[u8]); 6] = [
        ("data.pkl", pickle),
        ("byteorder", b"little"),
        ("data/0", storage),
        ("data/1", storage),
        ("data/2", storage),
        ("version", b"3\n"),
    ];
    for (name, content) in entries {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(format!("archive/{name}"), stored).expect("an entry");
        zip.write_all(content).expect("its content");
    }
    zip.finish().expect("an archive").into_inner()
}
