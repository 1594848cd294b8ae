//! Intensities by their rank, of images that are given slice by slice; memory does not grow with the image.

use crate::error::{Error, Result};
use crate::parallel::in_parallel;
use ndarray::Array2;
use rayon::prelude::*;
use std::ops::Range;

/// How a key is divided, from its highest bits: by how much it is shifted, and bits of each part. Their tables stay in a
/// core's nearest cache, and filling few of them is quick, so that a single slice does not wait for it.
const FIRST: (u32, u32) = (21, 11);
const FURTHER: [(u32, u32); 2] = [(10, 11), (0, 10)];

/// An image of which the highest bits of all intensities are counted.
pub struct Counted<'a, S> {
    slices: usize,
    slice: &'a S,
    first: Table,
    last: u64,
}

impl<'a, S: Fn(usize) -> Result<Array2<f32>> + Sync> Counted<'a, S> {
    /// Counts the intensities of an image of so many slices. Every slice is asked for three times, by
    /// [`Counted::find`] too.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for voxels that are not finite, with their number and the first position;
    /// [`Error::InvalidShape`] for no voxels; what `slice` reports.
    pub fn new(slices: usize, slice: &'a S) -> Result<Self> {
        let counted = in_parts(slices, |part| {
            let mut table = Table::new(FIRST);
            let mut broken = NonFinite::default();
            for z in part {
                for ((y, x), &value) in slice(z)?.indexed_iter() {
                    if value.is_finite() {
                        table.add(key(value));
                    } else {
                        broken.add(value, [x, y, z]);
                    }
                }
            }
            Ok((table, broken))
        })?;
        let mut first = Table::new(FIRST);
        let mut broken = NonFinite::default();
        for (table, found) in &counted {
            first.merge(table);
            broken.merge(found);
        }
        broken.check()?;
        let last = first.total().checked_sub(1);
        let last = last.ok_or_else(|| Error::InvalidShape("the image has no voxels".to_owned()))?;
        Ok(Counted { slices, slice, first, last })
    }

    /// The rank of the greatest intensity; that of the least is 0.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The intensities of those ranks.
    ///
    /// # Errors
    /// What `slice` reports.
    pub fn find<const N: usize>(&self, ranks: [u64; N]) -> Result<[f32; N]> {
        // The bits of each key that are known, and its rank among the keys that begin with them.
        let mut found = ranks.map(|rank| self.first.locate(rank));
        for level in FURTHER {
            let mut known = found.map(|(bits, _)| bits).to_vec();
            known.sort_unstable();
            known.dedup();
            let tables = || known.iter().map(|_| Table::new(level)).collect::<Vec<_>>();
            // Most keys are told apart by their first bits.
            let mut begins = vec![false; 1 << FIRST.1];
            for bits in &known {
                let first = (bits << (level.0 + level.1)) >> FIRST.0;
                if let Some(begins) = begins.get_mut(first as usize) {
                    *begins = true;
                }
            }
            let counted = in_parts(self.slices, |part| {
                let mut tables = tables();
                for z in part {
                    for &value in &(self.slice)(z)? {
                        let key = key(value);
                        if !begins.get((key >> FIRST.0) as usize).is_some_and(|&begins| begins) {
                            continue;
                        }
                        let begin = key >> (level.0 + level.1);
                        if let Some((_, table)) =
                            known.iter().zip(&mut tables).find(|(bits, _)| **bits == begin)
                        {
                            table.add(key);
                        }
                    }
                }
                Ok(tables)
            })?;
            let mut all = tables();
            for part in &counted {
                all.iter_mut().zip(part).for_each(|(all, some)| all.merge(some));
            }
            found = found.map(|(bits, rank)| {
                let table = known.iter().zip(&all).find(|(known, _)| **known == bits);
                let (next, rest) = table.map_or((0, 0), |(_, table)| table.locate(rank));
                (bits << level.1 | next, rest)
            });
        }
        Ok(found.map(|(key, _)| value(key)))
    }
}

/// An integer that orders as the value does.
fn key(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

/// The inverse of [`key`].
fn value(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
}

/// Works on `count` slices in as many parts as there are threads.
fn in_parts<T: Send>(count: usize, work: impl Fn(Range<usize>) -> Result<T> + Sync) -> Result<Vec<T>> {
    if count < 2 {
        return Ok(vec![work(0..count)?]);
    }
    in_parallel(|| {
        let parts = rayon::current_num_threads().min(count);
        (0..parts)
            .into_par_iter()
            .map(|part| work(count * part / parts..count * (part + 1) / parts))
            .collect()
    })?
}

/// How often each value of some bits of a key was seen.
struct Table {
    shift: u32,
    counts: Vec<u64>,
}

impl Table {
    fn new((shift, bits): (u32, u32)) -> Self {
        Table { shift, counts: vec![0; 1 << bits] }
    }

    fn add(&mut self, key: u32) {
        let mask = self.counts.len() - 1;
        if let Some(count) = self.counts.get_mut((key >> self.shift) as usize & mask) {
            *count += 1;
        }
    }

    fn merge(&mut self, other: &Table) {
        for (count, &more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The bits of the key with this rank, and its rank among the keys with the same.
    fn locate(&self, rank: u64) -> (u32, u64) {
        let mut rest = rank;
        for (bits, &count) in (0u32..).zip(&self.counts) {
            if rest < count {
                return (bits, rest);
            }
            rest -= count;
        }
        (0, 0)
    }
}

/// Says that so many voxels are not finite, and where (x, y, z) the first lies.
pub fn not_finite(count: u64, first: f32, [x, y, z]: [usize; 3]) -> Error {
    Error::InvalidArgument(format!(
        "{count} voxel(s) of the image are not finite, the first is {first} at x {x}, y {y}, z {z}; expected finite \
         intensities"
    ))
}

/// Counts voxels that are not finite.
#[derive(Default)]
struct NonFinite {
    count: u64,
    first: Option<(f32, [usize; 3])>,
}

impl NonFinite {
    fn add(&mut self, value: f32, position: [usize; 3]) {
        self.count += 1;
        self.first.get_or_insert((value, position));
    }

    /// What later slices held.
    fn merge(&mut self, later: &NonFinite) {
        self.count += later.count;
        self.first = self.first.or(later.first);
    }

    fn check(&self) -> Result<()> {
        match self.first {
            None => Ok(()),
            Some((value, position)) => Err(not_finite(self.count, value, position)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_as_values(a in any::<f32>(), b in any::<f32>()) {
            prop_assert_eq!(value(key(a)).to_bits(), a.to_bits());
            prop_assert_eq!(key(a).cmp(&key(b)), a.total_cmp(&b));
        }

        #[test]
        fn every_rank_has_the_value_of_a_sort(
            values in prop::collection::vec(
                any::<f32>().prop_filter("finite", |value| value.is_finite()), 1..200),
            places in prop::array::uniform4(0.0f64..1.0),
            width in 1usize..20,
        ) {
            let rows = values.len().div_ceil(width);
            let slice = |z: usize| {
                let own = &values[z * width..(z * width + width).min(values.len())];
                Ok(Array2::from_shape_vec((1, own.len()), own.to_vec()).unwrap())
            };
            let counted = Counted::new(rows, &slice).unwrap();
            prop_assert_eq!(counted.last() as usize, values.len() - 1);
            let mut sorted = values.clone();
            sorted.sort_by(f32::total_cmp);
            let ranks = places.map(|place| (place * values.len() as f64) as u64);
            let expected = ranks.map(|rank| sorted[rank as usize].to_bits());
            prop_assert_eq!(counted.find(ranks).unwrap().map(f32::to_bits), expected);
        }
    }
}
