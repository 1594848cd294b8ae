//! Random numbers keyed by what they are for.
//!
//! Every draw comes from a stream that is a pure function of the run's seed, a purpose and a key
//! (epoch, subject, slice, …). A run therefore repeats whatever the number of threads and whatever
//! the order of work.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// What a stream of random numbers is used for; streams of different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights of the networks.
    Initialisation = 1,
    /// Order of the slices in an epoch.
    Shuffle = 2,
    /// Augmentation of one slice.
    Augmentation = 3,
    /// Noise on the fast-thinking network's input.
    InputNoise = 4,
    /// Latent masks of one step.
    LatentMask = 5,
    /// Synthetic anatomy.
    Phantom = 6,
    /// Synthetic acquisition: scanner contrast and noise.
    Acquisition = 7,
    /// Image artefacts.
    Artefact = 8,
    /// Replacement of slices without labels.
    Replacement = 9,
    /// Choice of validation subjects.
    Split = 10,
    /// Hard images made in image space.
    ImageSpace = 11,
    /// Parameters of an artefact that a caller asks for.
    Simulation = 12,
    /// Noise that a caller asks for.
    SimulatedNoise = 13,
}

/// The stream for `purpose` and `key` in a run with this seed.
pub fn stream(seed: u64, purpose: Purpose, key: [u64; 3]) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    for word in [seed, purpose as u64, key[0], key[1], key[2]] {
        hash.update(word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn same_key_same_stream_other_key_other_stream() {
        let draw = |seed, purpose, key| stream(seed, purpose, key).random::<u64>();
        let reference = draw(7, Purpose::Shuffle, [1, 2, 3]);
        assert_eq!(reference, draw(7, Purpose::Shuffle, [1, 2, 3]));
        assert_ne!(reference, draw(8, Purpose::Shuffle, [1, 2, 3]));
        assert_ne!(reference, draw(7, Purpose::InputNoise, [1, 2, 3]));
        assert_ne!(reference, draw(7, Purpose::Shuffle, [1, 2, 4]));
    }
}
