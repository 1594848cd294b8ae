//! What the phantom is made of.

/// A material with one brightness per scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tissue {
    Air,
    Fat,
    Muscle,
    Lung,
    Bone,
    /// What fills the space between the organs of the chest.
    Connective,
    Liver,
    Stomach,
    /// Blood of the left heart, the aorta and the lung veins.
    ArterialBlood,
    /// Blood of the right heart and of the liver's vessels.
    VenousBlood,
    Myocardium,
}

/// Number of tissues.
pub(super) const TISSUES: usize = 11;

impl Tissue {
    /// Standard deviation of the slow and of the fine variation of brightness within the tissue,
    /// relative to the brightness.
    pub(super) fn texture(self) -> [f64; 2] {
        match self {
            Tissue::Air => [0.0, 0.0],
            Tissue::Fat => [0.10, 0.06],
            Tissue::Muscle => [0.10, 0.10],
            Tissue::Lung => [0.25, 0.30],
            Tissue::Bone => [0.15, 0.20],
            Tissue::Connective => [0.20, 0.20],
            Tissue::Liver => [0.05, 0.04],
            Tissue::Stomach => [0.20, 0.15],
            Tissue::ArterialBlood | Tissue::VenousBlood => [0.04, 0.04],
            Tissue::Myocardium => [0.05, 0.08],
        }
    }
}
