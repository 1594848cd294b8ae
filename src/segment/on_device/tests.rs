//! Everything that is done on a device, on the CPU, beside what is done on the host.

use super::{DeviceGrid, DeviceImage, DeviceMemory, DeviceOutput};
use crate::error::Error;
use crate::model::Model;
use crate::network::{Architecture, CodeSharing, CooperativeNetwork};
use crate::runtime::DeviceChoice;
use crate::segment::{Output, Outputs, Segmenter, SegmenterOptions, Wanted};
use crate::volume::{Dtype, Geometry, ImageView, ImageViewMut, NetworkGrid, Preprocess, SliceSource};
use ndarray::{Array3, Array4};
use proptest::prelude::*;
use std::sync::Arc;
use tch::{Device, Kind, Tensor};

fn memory(bytes: &[u8]) -> DeviceMemory {
    DeviceMemory { device: DeviceChoice::Cpu, address: bytes.as_ptr().addr(), size: bytes.len() }
}

/// Bytes of voxels, aligned for every type.
fn aligned(values: impl IntoIterator<Item = u64>) -> Vec<u64> {
    values.into_iter().collect()
}

fn bytes(words: &[u64]) -> &[u8] {
    // SAFETY: any eight bytes of a u64 are bytes.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), 8 * words.len()) }
}

fn bytes_mut(words: &mut [u64]) -> &mut [u8] {
    // SAFETY: as above, and every byte pattern is a u64.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), 8 * words.len()) }
}

/// The same voxels to both.
fn both<'a>(
    dtype: Dtype,
    shape: [i64; 3],
    strides: [i64; 3],
    data: &'a [u8],
    spacing: [f64; 3],
) -> (ImageView<'a>, DeviceImage) {
    let geometry = Geometry::aligned(spacing);
    let view = ImageView::new(dtype, 3, shape, strides, data, geometry).unwrap();
    // SAFETY: the data outlives both in every test.
    let image = unsafe { DeviceImage::new(memory(data), dtype, 3, shape, strides, geometry) };
    (view, image.unwrap())
}

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::<f32>::try_from(tensor.reshape([-1])).unwrap()
}

#[test]
fn every_type_has_its_values() {
    let extremes = [
        0,
        1,
        u64::MAX,
        1 << 63,
        (1 << 63) + 1025,
        (1 << 63) - 1,
        0x8000_0000_7fff_ffff,
        0xffff_0000_8000_0001,
    ];
    let words = aligned(extremes);
    for dtype in Dtype::ALL {
        let count = (64 / dtype.size()) as i64;
        let (view, image) = both(dtype, [count, 1, 1], [0; 3], bytes(&words), [1.0; 3]);
        let expected: Vec<u32> = view.to_f32().unwrap().iter().map(|value| value.to_bits()).collect();
        let same =
            |(a, b): (&u32, &u32)| a == b || f32::from_bits(*a).is_nan() && f32::from_bits(*b).is_nan();
        for image in [image, DeviceImage::upload(&view, Device::Cpu).unwrap()] {
            let found: Vec<u32> =
                values(&image.slices(0..1).unwrap()).iter().map(|value| value.to_bits()).collect();
            assert!(expected.iter().zip(&found).all(same), "{}: {expected:x?} {found:x?}", dtype.name());
        }
    }
}

#[test]
fn images_of_the_host_are_uploaded_wherever_their_voxels_lie() {
    let words = aligned((0..30).map(|n| n * 0x0003_0001_0005_0002));
    // Dense from an odd address, with gaps, with z fastest, and one slice for all.
    for (strides, start) in [([0; 3], 1), ([2, 10, 40], 0), ([24, 6, 2], 0), ([2, 6, 0], 0)] {
        let view = ImageView::new(
            Dtype::U16,
            3,
            [3, 4, 3],
            strides,
            &bytes(&words)[start..],
            Geometry::aligned([1.0; 3]),
        );
        let view = view.unwrap();
        let image = DeviceImage::upload(&view, Device::Cpu).unwrap();
        let expected: Vec<f32> = view.to_f32().unwrap().iter().copied().collect();
        assert_eq!(values(&image.slices(0..3).unwrap()), expected, "{strides:?}");
        assert_eq!(view.dense_bytes().is_some(), strides == [0; 3], "{strides:?}");
    }
}

#[test]
fn voxels_no_tensor_can_name_are_refused() {
    let words = aligned(0..8);
    let make = |dtype, strides, data: &[u8]| {
        // SAFETY: not used beyond this.
        unsafe { DeviceImage::new(memory(data), dtype, 3, [2, 2, 2], strides, Geometry::aligned([1.0; 3])) }
    };
    for (strides, data) in [([2, 5, 20], bytes(&words)), ([0; 3], &bytes(&words)[1..])] {
        let Err(Error::InvalidShape(text)) = make(Dtype::I16, strides, data) else { panic!("{strides:?}") };
        assert!(text.contains("on cpu") && text.contains("multiples of the 2 bytes of i16"), "{text}");
    }
    assert!(make(Dtype::I16, [2, 4, 8], bytes(&words)).is_ok());
    assert!(matches!(make(Dtype::F64, [8, 16, 64], bytes(&words)), Err(Error::InvalidShape(_))));
}

#[test]
fn windows_are_those_of_the_host_and_so_are_refusals() {
    let words = aligned((0..400u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) & 0x3fff_3fff_3fff_3fff));
    for percentiles in [[2.0, 98.0], [0.0, 100.0], [12.5, 50.0], [99.9, 100.0]] {
        for (dtype, strides) in [(Dtype::I16, [0; 3]), (Dtype::U16, [8, 40, 200]), (Dtype::F32, [200, 20, 4])]
        {
            let (view, image) = both(dtype, [5, 5, 5], strides, bytes(&words), [1.0; 3]);
            assert_eq!(
                image.window(percentiles).unwrap(),
                view.window(percentiles).unwrap(),
                "{percentiles:?}"
            );
        }
    }
    let refused = |values: Vec<f32>| {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        let words = aligned(data.chunks_exact(8).map(|chunk| u64::from_ne_bytes(chunk.try_into().unwrap())));
        let (view, image) = both(Dtype::F32, [2, 3, 4], [0; 3], bytes(&words), [1.0; 3]);
        let [expected, found] =
            [view.window([2.0, 98.0]), image.window([2.0, 98.0])].map(|w| w.unwrap_err().to_string());
        assert_eq!(found, expected);
        found
    };
    assert!(refused(vec![3.0; 24]).contains("constant"));
    let mut broken: Vec<f32> = (0..24u8).map(f32::from).collect();
    (broken[11], broken[17]) = (f32::INFINITY, f32::NAN);
    let text = refused(broken);
    assert!(text.contains("2 voxel(s)") && text.contains("inf at x 1, y 2, z 1"), "{text}");
}

proptest! {
    #[test]
    fn slices_take_the_same_way_there_and_back(
        shape in prop::array::uniform2(1usize..70),
        spacing in prop::array::uniform2(0.5f64..2.5),
        resampled in any::<bool>(),
        pad in prop::array::uniform2(32usize..60),
    ) {
        let preprocess = Preprocess {
            spacing: resampled.then_some([1.1, 1.3]), pad, crop: [32, 16], ..Preprocess::default()
        };
        let grid = NetworkGrid::new(shape, spacing, &preprocess).unwrap();
        let device = DeviceGrid::new(&grid, Device::Cpu).unwrap();
        let [width, height] = shape;
        // Few intensities, so that slices without contrast are among them.
        let voxels = Array3::from_shape_fn((2, height, width), |(z, y, x)| ((x * x + 5 * y + z) % 7) as f32 - 2.0);
        let volume = crate::volume::Volume { voxels, geometry: Geometry::aligned([spacing[0], spacing[1], 8.0]) };
        prop_assume!(volume.voxels.iter().any(|&value| value != -2.0));
        let Ok(window) = volume.window([10.0, 90.0]) else { return Ok(()) };
        let slices = Tensor::from_slice(volume.voxels.as_slice().unwrap())
            .reshape([2, height as i64, width as i64]);
        let found = values(&device.images_to_network(&slices, &window).unwrap());
        let mut expected = Vec::new();
        for slice in volume.voxels.outer_iter() {
            let mut slice = slice.to_owned();
            window.apply(&mut slice);
            expected.extend(grid.image_to_network(slice.view()).unwrap());
        }
        prop_assert_eq!(found, expected);

        let map = Array4::from_shape_fn((2, 3, 16, 32), |(n, c, y, x)| ((3 * n + 7 * c + x + 2 * y) % 11) as f32 / 11.0);
        let tensor = Tensor::from_slice(map.as_slice().unwrap()).reshape([2, 3, 16, 32]);
        let found = device.probabilities_to_image(&tensor).unwrap();
        prop_assert_eq!(found.size(), [2, 3, height as i64, width as i64]);
        let expected: Vec<f32> =
            map.outer_iter().flat_map(|slice| grid.probabilities_to_image(slice).unwrap().into_iter()).collect();
        prop_assert_eq!(values(&found), expected);
    }
}

const CLASSES: usize = 3;
/// Voxels of the image below along x, y, z.
const SHAPE: [usize; 3] = [37, 45, 7];

fn segmenter(options: &str) -> Segmenter {
    crate::runtime::start().unwrap();
    let architecture =
        Architecture { width: 2, channels: 2, classes: CLASSES as i64, code_sharing: CodeSharing::None };
    let network = CooperativeNetwork::new(architecture, 3, Device::Cpu).unwrap();
    let names = ["background", "one", "two"].map(str::to_owned);
    let preprocess =
        Preprocess { spacing: Some([1.4, 1.4]), pad: [48, 48], crop: [32, 32], ..Preprocess::default() };
    let model = Model::new(network, &names, &preprocess, serde_json::Value::Null).unwrap();
    Segmenter::new(Arc::new(model), SegmenterOptions::from_json(options).unwrap()).unwrap()
}

/// Two channels that are interleaved in memory, of 16 bits each.
fn interleaved() -> Vec<u64> {
    let [x, y, z] = SHAPE;
    let voxel = |i: usize| ((i % x).abs_diff(x / 2) * 40 + (i / x % y).abs_diff(y / 3) * 25 + i % 13) as u64;
    aligned((0..(x * y * z).div_ceil(2)).map(|i| {
        let (a, b) = (voxel(2 * i), voxel(2 * i + 1));
        a | (65_000 - a) << 16 | b << 32 | (65_000 - b) << 48
    }))
}

fn channels(words: &[u64]) -> ([ImageView<'_>; 2], [DeviceImage; 2]) {
    let [x, y, z] = SHAPE.map(|size| size as i64);
    let strides = [4, 4 * x, 4 * x * y];
    let [(a, a_device), (b, b_device)] =
        [0, 2].map(|start| both(Dtype::U16, [x, y, z], strides, &bytes(words)[start..], [1.0, 1.1, 9.0]));
    ([a, b], [a_device, b_device])
}

/// Memory for all five maps: labels of 16 bits with the slices fastest, the others dense.
struct Memory {
    labels: Vec<u64>,
    fast_labels: Vec<u64>,
    probabilities: Vec<u64>,
    entropy: Vec<u64>,
    disagreement: Vec<u64>,
}

impl Memory {
    fn new() -> Self {
        let voxels: usize = SHAPE.iter().product();
        let empty = |bytes: usize| vec![0x5555_5555_5555_5555; bytes.div_ceil(8)];
        Memory {
            labels: empty(2 * voxels),
            fast_labels: empty(voxels),
            probabilities: empty(8 * CLASSES * voxels),
            entropy: empty(4 * voxels),
            disagreement: empty(4 * voxels),
        }
    }

    fn outputs(&mut self, on_device: [bool; 5]) -> Outputs<'_> {
        let [x, y, z] = SHAPE.map(|size| size as i64);
        let map = |dtype: Dtype, ndim, strides, words, on_device| {
            let shape = [x, y, z, if ndim == 4 { CLASSES as i64 } else { 1 }];
            let bytes = bytes_mut(words);
            Some(if on_device {
                // SAFETY: borrowed for as long as the outputs.
                Output::Device(
                    unsafe { DeviceOutput::new(memory(bytes), dtype, ndim, shape, strides) }.unwrap(),
                )
            } else {
                Output::Host(ImageViewMut::new(dtype, ndim, shape, strides, bytes).unwrap())
            })
        };
        let [labels, fast_labels, probabilities, entropy, disagreement] = on_device;
        Outputs {
            labels: map(Dtype::U16, 3, [2 * z, 2 * z * x, 2, 0], &mut self.labels, labels),
            fast_labels: map(Dtype::U8, 3, [0; 4], &mut self.fast_labels, fast_labels),
            probabilities: map(Dtype::F64, 4, [0; 4], &mut self.probabilities, probabilities),
            entropy: map(Dtype::F32, 3, [0; 4], &mut self.entropy, entropy),
            disagreement: map(Dtype::F32, 3, [0; 4], &mut self.disagreement, disagreement),
        }
    }

    fn close(&self, other: &Memory) {
        assert_eq!(self.labels, other.labels);
        assert_eq!(self.fast_labels, other.fast_labels);
        let f64s = |words: &[u64]| words.iter().map(|&word| f64::from_bits(word)).collect::<Vec<_>>();
        let f32s = |words: &[u64]| {
            bytes(words)
                .chunks_exact(4)
                .map(|four| f32::from_ne_bytes(four.try_into().unwrap()).into())
                .collect()
        };
        let far = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far(f64s(&self.probabilities), f64s(&other.probabilities)) < 1e-6);
        assert!(far(f32s(&self.entropy), f32s(&other.entropy)) < 1e-6);
        assert!(far(f32s(&self.disagreement), f32s(&other.disagreement)) < 1e-6);
    }
}

#[test]
fn a_whole_segmentation_is_that_of_the_host() {
    let words = interleaved();
    let (views, images) = channels(&words);
    let mut segmenter = segmenter(r#"{"device": "cpu", "chunk": 3, "iterations": 2}"#);
    let sources: Vec<&dyn SliceSource> = views.iter().map(|view| view as _).collect();
    let mut expected = Memory::new();
    let mut outputs = expected.outputs([false; 5]);
    outputs.check(views[0].shape(), CLASSES).unwrap();
    let report =
        segmenter.run(&sources, outputs.wanted(), &mut |z, result| outputs.write(z, &result)).unwrap();
    assert!(expected.labels.iter().any(|&word| word != 0) && report.change_per_pass.len() == 2);

    // From the host and back, with everything between done on the device.
    segmenter.uploads = true;
    let mut found = Memory::new();
    let mut outputs = found.outputs([false; 5]);
    let told = segmenter.run(&sources, outputs.wanted(), &mut |z, result| outputs.write(z, &result)).unwrap();
    assert_eq!(told.change_per_pass, report.change_per_pass);
    found.close(&expected);

    for on_device in [[true; 5], [false; 5], [true, false, true, false, true]] {
        let mut found = Memory::new();
        let mut outputs = found.outputs(on_device);
        outputs.check_on_device(&images[0], CLASSES).unwrap();
        let mut done = 0;
        let told = segmenter
            .run_on_device(&images, outputs.wanted(), &mut |slices, maps| {
                assert_eq!(slices.start, done);
                done = slices.end;
                outputs.write_on_device(slices, &maps)
            })
            .unwrap();
        assert_eq!(done, SHAPE[2]);
        assert_eq!(told.change_per_pass, report.change_per_pass);
        found.close(&expected);
    }
}

#[test]
fn only_what_is_wanted_is_made_and_a_refusal_ends_it() {
    let words = interleaved();
    let (_, images) = channels(&words);
    let segmenter = segmenter(r#"{"device": "cpu", "chunk": 2}"#);
    let mut calls = 0;
    let stopped = segmenter.run_on_device(&images, Wanted::default(), &mut |slices, maps| {
        calls += 1;
        assert_eq!(maps.labels.size(), [slices.len() as i64, SHAPE[1] as i64, SHAPE[0] as i64]);
        assert_eq!(maps.labels.kind(), Kind::Uint8);
        assert!(maps.probabilities.is_none() && maps.fast_labels.is_none());
        assert!(maps.entropy.is_none() && maps.disagreement.is_none());
        if calls == 2 { Err(Error::Cancelled) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(Error::Cancelled)));
    assert_eq!(calls, 2);
    let one = segmenter.run_on_device(&images[..1], Wanted::default(), &mut |_, _| Ok(()));
    assert!(matches!(one, Err(Error::InvalidShape(text)) if text.contains("1 channel(s)")));
}
