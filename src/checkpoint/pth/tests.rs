//! Files as `torch.save` writes them, files it never wrote, and damaged ones.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use rand::RngExt;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::archive::Archive;
use super::problem::{Outcome, Problem};
use super::{read, state_dict};
use crate::checkpoint::{RawDtype, TensorMap};
use crate::error::Error;
use crate::random::{Purpose, stream};

const ORDERED_DICT: &[u8] = b"ccollections\nOrderedDict\n)R";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tiny/checkpoints").join(name)
}

fn read_bytes(bytes: &[u8]) -> Outcome<TensorMap> {
    state_dict::read(&mut Archive::open(Cursor::new(bytes))?)
}

/// An archive of these entries below `archive/`.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        writer.start_file(format!("archive/{name}"), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn integer(number: i64) -> Vec<u8> {
    [&[0x8a, 8], number.to_le_bytes().as_slice()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [b"X", (text.len() as u32).to_le_bytes().as_slice(), text.as_bytes()].concat()
}

fn tuple(items: &[i64]) -> Vec<u8> {
    [b"(".to_vec(), items.iter().flat_map(|&item| integer(item)).collect(), b"t".to_vec()].concat()
}

/// Opcodes that make a tensor of storage `key`, which declares `count` elements.
fn tensor(class: &str, key: &str, count: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        format!("ctorch\n{class}\n").into_bytes(),
        text(key),
        text("cuda:0"),
        integer(count),
        b"tQ".to_vec(),
        integer(offset),
        tuple(shape),
        tuple(strides),
        b"\x89".to_vec(),
        ORDERED_DICT.to_vec(),
        b"tR".to_vec(),
    ]
    .concat()
}

/// A pickle of an ordered dictionary with these values.
fn pickle(items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = [b"\x80\x02", ORDERED_DICT, b"("].concat();
    for (key, value) in items {
        bytes.extend(text(key));
        bytes.extend(value);
    }
    bytes.extend(b"u.");
    bytes
}

fn message(bytes: &[u8]) -> String {
    read_bytes(bytes).expect_err("the file was accepted").into_error(Path::new("f.pth")).to_string()
}

#[test]
fn published_checkpoints_are_read_exactly() {
    // Digests over sorted (key, storage class, shape, bytes), made with Python's zipfile and pickle.
    let expected = [
        ("image_encoder", 107, 71_709, "d366e9da0996324a4ca979ddc046fe2929753ae83d66474c1b06fade4e9f8dac"),
        (
            "segmentation_decoder",
            66,
            10_428,
            "a57fb8b0ef2ee21eb15bab523f3aca4bda19795edd22b883a917e764b86b2a24",
        ),
        ("image_decoder", 74, 15_913, "c31c5fcfcb6df0414010095043fbe13be8a3d6e71a65938d276f504983a93b90"),
        ("shape_encoder", 93, 53_063, "8afab7c06a46ed123534b0a06174213d60d831c07ba64fa82c103b096287f85c"),
        ("shape_decoder", 66, 10_428, "3c1717293ca1dccd81101086b0d813e4c8bd5b45a632b0f7e1fec3fbe2e6d376"),
    ];
    for (name, keys, elements, digest) in expected {
        let tensors = read(&golden(&format!("{name}.pth"))).unwrap();
        assert_eq!(tensors.len(), keys, "{name}");
        let mut hash = Sha256::new();
        for (key, tensor) in &tensors {
            tensor.check().unwrap();
            let class = match tensor.dtype {
                RawDtype::F32 => "FloatStorage",
                RawDtype::I64 => "LongStorage",
                other => panic!("{name}: {key} is {other:?}"),
            };
            hash.update(format!("{key} {class} {:?}\n", tensor.shape));
            hash.update(&tensor.bytes);
        }
        assert_eq!(tensors.values().map(super::super::RawTensor::numel).sum::<usize>(), elements, "{name}");
        let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, digest, "{name}");
    }
}

#[test]
fn protocols_2_to_5_are_read() {
    // Written by Python's pickle with the names that torch gives its functions: an OrderedDict with
    // `_metadata`, a tensor, and a parameter that is a strided view of the same storage.
    let protocol_2: &[u8] = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(X\x08\x00\x00\x00a.weightq\x02ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\x00\x00\x00storageq\x04ctorch\nHalfStorage\nq\x05X\x01\x00\x00\x000q\x06X\x03\x00\x00\x00cpuq\x07K\x06tq\x08QK\x00K\x02K\x03\x86q\tK\x03K\x01\x86q\n\x89h\x00)Rq\x0btq\x0cRq\rX\x06\x00\x00\x00a.biasq\x0ectorch._utils\n_rebuild_parameter\nq\x0fh\x03((h\x04h\x05h\x06h\x07K\x06tq\x10QK\x01K\x02\x85q\x11K\x03\x85q\x12\x89h\x00)Rq\x13tq\x14Rq\x15\x88h\x00)Rq\x16\x87q\x17Rq\x18u}q\x19X\t\x00\x00\x00_metadataq\x1ah\x00)Rq\x1bX\x00\x00\x00\x00q\x1c}q\x1dX\x07\x00\x00\x00versionq\x1eK\x01sssb.";
    let protocol_4: &[u8] = b"\x80\x04\x95\x19\x01\x00\x00\x00\x00\x00\x00\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94(\x8c\x08a.weight\x94\x8c\x0ctorch._utils\x94\x8c\x12_rebuild_tensor_v2\x94\x93\x94((\x8c\x07storage\x94\x8c\x05torch\x94\x8c\x0bHalfStorage\x94\x93\x94\x8c\x010\x94\x8c\x03cpu\x94K\x06t\x94QK\x00K\x02K\x03\x86\x94K\x03K\x01\x86\x94\x89h\x02)R\x94t\x94R\x94\x8c\x06a.bias\x94h\x05\x8c\x12_rebuild_parameter\x94\x93\x94h\x07((h\x08h\x0bh\x0ch\rK\x06t\x94QK\x01K\x02\x85\x94K\x03\x85\x94\x89h\x02)R\x94t\x94R\x94\x88h\x02)R\x94\x87\x94R\x94u}\x94\x8c\t_metadata\x94h\x02)R\x94\x8c\x00\x94}\x94\x8c\x07version\x94K\x01sssb.";
    // Half precision 0 to 5.
    let storage = [0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500u16].map(u16::to_le_bytes).concat();
    for (protocol, stream) in [(2, protocol_2), (3, protocol_2), (4, protocol_4), (5, protocol_4)] {
        let mut stream = stream.to_vec();
        stream[1] = protocol;
        let tensors = read_bytes(&archive(&[("data.pkl", &stream), ("data/0", &storage)])).unwrap();
        assert_eq!(tensors.keys().collect::<Vec<_>>(), ["a.bias", "a.weight"]);
        assert_eq!(tensors["a.weight"].dtype, RawDtype::F16);
        assert_eq!(tensors["a.weight"].shape, [2, 3]);
        assert_eq!(tensors["a.weight"].to_f32(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(tensors["a.bias"].to_f32(), [1.0, 4.0]);
    }
}

#[test]
fn shared_strided_and_narrow_tensors_are_resolved() {
    let floats: Vec<u8> = (0..12).flat_map(|value| (value as f32).to_le_bytes()).collect();
    let items = [
        ("whole", tensor("FloatStorage", "7", 12, 0, &[12], &[1])),
        ("transposed", tensor("FloatStorage", "7", 12, 6, &[3, 2], &[1, 3])),
        ("expanded", tensor("FloatStorage", "7", 12, 11, &[2, 2], &[0, 0])),
        ("brain", tensor("BFloat16Storage", "b", 1, 0, &[], &[])),
        ("long", tensor("LongStorage", "l", 1, 0, &[1], &[1])),
        ("flags", tensor("BoolStorage", "f", 2, 0, &[2], &[1])),
        ("empty", tensor("FloatStorage", "none", 0, 0, &[0, 3], &[3, 1])),
    ];
    let file = archive(&[
        ("data.pkl", &pickle(&items)),
        ("byteorder", b"little"),
        ("data/7", &floats),
        ("data/b", &[0xc0, 0xbf]),
        // A longer entry than declared is allowed; its end is not used.
        ("data/l", &[[42, 0, 0, 0, 0, 0, 0, 0], [9; 8]].concat()),
        ("data/f", &[1, 0]),
        (".data/serialization_id", b"1234"),
        ("extra/junk.bin", &[7; 99]),
        ("version", b"3\n"),
    ]);
    let tensors = read_bytes(&file).unwrap();
    assert_eq!(tensors.len(), 7);
    assert_eq!(tensors["whole"].bytes, floats);
    assert_eq!(tensors["transposed"].to_f32(), [6.0, 9.0, 7.0, 10.0, 8.0, 11.0]);
    assert_eq!(tensors["expanded"].to_f32(), [11.0; 4]);
    assert_eq!((tensors["brain"].shape.len(), tensors["brain"].to_f32()), (0, vec![-1.5]));
    assert_eq!((tensors["long"].dtype, tensors["long"].to_f32()), (RawDtype::I64, vec![42.0]));
    assert_eq!(tensors["flags"].to_f32(), [1.0, 0.0]);
    assert_eq!((tensors["empty"].shape.as_slice(), tensors["empty"].numel()), ([0, 3].as_slice(), 0));
    for tensor in tensors.values() {
        tensor.check().unwrap();
    }
}

#[test]
fn plain_dictionaries_are_read() {
    let mut stream = b"\x80\x02}".to_vec();
    stream.extend([text("w"), tensor("ByteStorage", "0", 2, 0, &[2], &[1]), b"s.".to_vec()].concat());
    let tensors = read_bytes(&archive(&[("data.pkl", &stream), ("data/0", &[3, 4])])).unwrap();
    assert_eq!(tensors["w"].to_f32(), [3.0, 4.0]);
}

#[test]
fn foreign_objects_are_refused_by_name() {
    let evil = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.";
    let file = archive(&[("data.pkl", evil)]);
    assert!(matches!(read_bytes(&file), Err(Problem::Unsupported(_))));
    assert!(message(&file).contains("os.system"), "{}", message(&file));

    let module = b"\x80\x04\x8c\x03net\x8c\x05Model\x93)\x81.";
    assert!(message(&archive(&[("data.pkl", module)])).contains("net.Model"));

    let whole = tensor("FloatStorage", "0", 1, 0, &[1], &[1]);
    let lone = [b"\x80\x02", whole.as_slice(), b"."].concat();
    assert!(message(&archive(&[("data.pkl", &lone), ("data/0", &[0; 4])])).contains("holds a tensor"));

    let checkpoint = pickle(&[("epoch", b"K\x05".to_vec())]);
    assert!(message(&archive(&[("data.pkl", &checkpoint)])).contains("`epoch` is an integer"));

    let long = pickle(&[(&"n\n".repeat(90_000), b"K\x05".to_vec())]);
    assert!(message(&archive(&[("data.pkl", &long)])).len() < 700);

    let complex = tensor("ComplexFloatStorage", "0", 1, 0, &[1], &[1]);
    let file = archive(&[("data.pkl", &pickle(&[("w", complex)]))]);
    assert!(message(&file).contains("torch.ComplexFloatStorage"));
}

#[test]
fn tensors_that_do_not_fit_their_storage_name_the_key() {
    let outside = pickle(&[("conv.weight", tensor("FloatStorage", "0", 4, 1, &[4], &[1]))]);
    let text = message(&archive(&[("data.pkl", &outside), ("data/0", &[0; 16])]));
    assert!(
        text.contains("`conv.weight`") && text.contains("does not fit storage `0` of 4 elements"),
        "{text}"
    );

    let short = pickle(&[("conv.weight", tensor("FloatStorage", "0", 4, 0, &[4], &[1]))]);
    let text = message(&archive(&[("data.pkl", &short), ("data/0", &[0; 15])]));
    assert!(text.contains("`conv.weight`") && text.contains("15 bytes, too few for 4 elements"), "{text}");

    let text = message(&archive(&[("data.pkl", &short)]));
    assert!(text.contains("`conv.weight`") && text.contains("data/0, is missing"), "{text}");

    for count in [-1, i64::MAX] {
        let declared = pickle(&[("w", tensor("DoubleStorage", "0", count, 0, &[1], &[1]))]);
        message(&archive(&[("data.pkl", &declared), ("data/0", &[0; 8])]));
    }
    let negative = pickle(&[("w", tensor("FloatStorage", "0", 4, 3, &[4], &[-1]))]);
    assert!(message(&archive(&[("data.pkl", &negative), ("data/0", &[0; 16])])).contains("strides"));

    let huge = pickle(&[("w", tensor("FloatStorage", "0", 1, 0, &[1 << 40], &[0]))]);
    let text = message(&archive(&[("data.pkl", &huge), ("data/0", &[0; 4])]));
    assert!(text.contains("`w`") && text.contains("16 times the file"), "{text}");

    let twice = pickle(&[
        ("v", tensor("FloatStorage", "0", 1, 0, &[1], &[1])),
        ("w", tensor("IntStorage", "0", 1, 0, &[1], &[1])),
    ]);
    assert!(message(&archive(&[("data.pkl", &twice), ("data/0", &[0; 4])])).contains("declared twice"));
}

#[test]
fn other_kinds_of_files_are_told_apart() {
    let missing = read(&golden("missing.pth")).unwrap_err();
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");

    let legacy = message(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.");
    assert!(legacy.contains("before 1.6") && legacy.contains("torch.save(torch.load("), "{legacy}");
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(message(&tar).contains("before 1.6"));

    assert!(message(b"").contains("only 0 bytes"));
    assert!(message(b"\x89PNG and so on").contains("begins with \"\\x89PNG\""));
    assert!(message(&archive(&[("other.txt", b"x")])).contains("no FOLDER/data.pkl"));
    let script = archive(&[("data.pkl", b"\x80\x02}."), ("constants.pkl", b"\x80\x02).")]);
    assert!(message(&script).contains("TorchScript"));
    let big = archive(&[("data.pkl", b"\x80\x02}."), ("byteorder", b"big")]);
    assert!(message(&big).contains("big-endian"));
    let order = archive(&[("data.pkl", b"\x80\x02}."), ("byteorder", b"pdp")]);
    assert!(message(&order).contains("byteorder is \"pdp\""));
    let future = archive(&[("data.pkl", b"\x80\x02}."), ("version", b"11\n")]);
    assert!(message(&future).contains("container version 11"));
    assert!(read_bytes(&archive(&[("data.pkl", b"\x80\x02}."), ("version", b"3\n")])).unwrap().is_empty());
}

#[test]
fn compressed_entries_are_refused() {
    let mut file = archive(&[("data.pkl", b"\x80\x02}.")]);
    let local = 8;
    let central = file.windows(4).position(|window| window == b"PK\x01\x02").unwrap() + 10;
    for place in [local, central] {
        file[place..place + 2].copy_from_slice(&8u16.to_le_bytes());
    }
    assert!(matches!(read_bytes(&file), Err(Problem::Unsupported(_))));
    assert!(message(&file).contains("compressed"), "{}", message(&file));
}

#[test]
fn entries_that_share_their_bytes_are_refused() {
    let items = ["0", "1"].map(|key| (key, tensor("FloatStorage", key, 25, 0, &[25], &[1])));
    let mut file = archive(&[("data.pkl", &pickle(&items)), ("data/0", &[1; 100]), ("data/1", &[1; 100])]);
    assert_eq!(read_bytes(&file).unwrap().len(), 2);
    let headers: Vec<usize> =
        (0..file.len() - 4).filter(|&at| file[at..].starts_with(b"PK\x01\x02")).collect();
    // The place of an entry's data is at offset 42 of its directory header.
    let first: [u8; 4] = file[headers[1] + 42..headers[1] + 46].try_into().unwrap();
    file[headers[2] + 42..headers[2] + 46].copy_from_slice(&first);
    assert!(message(&file).contains("overlap"), "{}", message(&file));
}

#[test]
fn flipped_bits_in_the_contents_fail_the_checksum() {
    let mut file = std::fs::read(golden("segmentation_decoder.pth")).unwrap();
    let place = file.len() / 2;
    file[place] ^= 0x10;
    assert!(message(&file).contains("checksum"), "{}", message(&file));
}

#[test]
fn broken_pickles_are_refused() {
    let broken: [&[u8]; 14] = [
        b"",
        b"\x80\x01}.",
        b"\x80\x02}",
        b"\x80\x02.",
        b"\x80\x02}}.",
        b"\x80\x02(}.",
        b"\x80\x02t.",
        b"\x80\x02h\x05.",
        b"\x80\x02K\x01K\x02s.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02NR.",
        b"\x80\x02}.}",
        b"\x80\x02X\xff\xff\xff\xffab.",
        b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xffab.",
    ];
    for stream in broken {
        let error = super::pickle::load(stream).expect_err("the stream was accepted");
        assert!(matches!(error, Problem::Corrupt(_)), "{stream:?}: {error:?}");
    }
}

#[test]
fn deep_nesting_and_cycles_need_no_recursion() {
    let mut deep = b"\x80\x02)".to_vec();
    deep.extend(std::iter::repeat_n(0x85, 500_000));
    deep.push(b'.');
    assert!(message(&archive(&[("data.pkl", &deep)])).contains("holds a tuple"));

    let cycle = b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.";
    assert!(message(&archive(&[("data.pkl", cycle)])).contains("`a` is a dictionary"));

    let mut greedy = b"\x80\x02".to_vec();
    greedy.extend(std::iter::repeat_n(b'}', 1_100_000));
    assert!(message(&archive(&[("data.pkl", &greedy)])).contains("more than 1048576"));
}

#[test]
fn every_truncation_is_refused() {
    let file = std::fs::read(golden("segmentation_decoder.pth")).unwrap();
    for length in (0..file.len()).step_by(file.len() / 200).chain(file.len() - 64..file.len()) {
        assert!(read_bytes(&file[..length]).is_err(), "{length} bytes were accepted");
    }
}

#[test]
fn damaged_files_never_panic() {
    let file = std::fs::read(golden("segmentation_decoder.pth")).unwrap();
    let intact = read_bytes(&file).unwrap();
    let mut random = stream(1, Purpose::Shuffle, [0; 3]);
    for _ in 0..400 {
        let mut damaged = file.clone();
        for _ in 0..random.random_range(1..4) {
            // Half of the damage goes into the central directory at the end.
            let from = if random.random() { 0 } else { damaged.len() - 8000 };
            let place = random.random_range(from..damaged.len());
            damaged[place] ^= random.random_range(1..=255u8);
        }
        // Damage where the checksums do not look (padding, dates) may go unnoticed, but then the
        // tensors are those of the intact file.
        if let Ok(tensors) = read_bytes(&damaged) {
            assert!(tensors == intact);
        }
    }
}

#[test]
fn damaged_pickles_with_sound_checksums_never_panic() {
    let items = [
        ("a", tensor("FloatStorage", "0", 6, 0, &[2, 3], &[3, 1])),
        ("b", tensor("LongStorage", "1", 1, 0, &[], &[])),
    ];
    let stream_bytes = pickle(&items);
    let mut random = stream(2, Purpose::Shuffle, [0; 3]);
    let mut accepted = 0;
    for _ in 0..5000 {
        let mut damaged = stream_bytes.clone();
        for _ in 0..random.random_range(1..4) {
            let place = random.random_range(0..damaged.len());
            damaged[place] = random.random();
        }
        damaged.truncate(damaged.len() - random.random_range(0..3) * random.random_range(0..9));
        let file = archive(&[("data.pkl", &damaged), ("data/0", &[1; 24]), ("data/1", &[2; 8])]);
        if let Ok(tensors) = read_bytes(&file) {
            accepted += 1;
            for tensor in tensors.values() {
                tensor.check().unwrap();
            }
        }
    }
    assert!(accepted > 0, "no damage was ever harmless: the streams are not what they should be");
}
