//! Colours for classes and for continuous maps.

/// Red, green and blue in sRGB.
pub type Rgb = [u8; 3];

/// The seven chromatic colours of Okabe and Ito ("Color Universal Design", 2008), which people with
/// any of the common colour vision deficiencies can tell apart. Order: orange, sky blue, bluish
/// green, yellow, blue, vermilion, reddish purple.
const OKABE_ITO: [Rgb; 7] = [
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [0, 114, 178],
    [213, 94, 0],
    [204, 121, 167],
];

/// The colour of a class from 1; background (0) is grey and usually not drawn.
///
/// Classes 1 to 7 have the Okabe-Ito colours, 8 to 14 light tints of them; then they repeat.
pub fn class_colour(class: u8) -> Rgb {
    let Some(index) = usize::from(class).checked_sub(1) else {
        return [128; 3];
    };
    let colour = OKABE_ITO.get(index % OKABE_ITO.len()).copied().unwrap_or_default();
    if (index / OKABE_ITO.len()).is_multiple_of(2) { colour } else { mix(colour, [255; 3], 0.4) }
}

/// The colour of an entropy, as a fraction of the largest possible one: from almost black over
/// purple and orange to a pale yellow.
///
/// A cubehelix (D. A. Green, Bull. Astr. Soc. India 39, 289, 2011): lightness rises evenly with the
/// value, so the map reads the same in grey and with colour vision deficiencies. Values outside
/// [0, 1] take the colour of the nearer end.
pub fn entropy_colour(fraction: f32) -> Rgb {
    const START: f32 = 0.1;
    const ROTATIONS: f32 = 0.5;
    const SATURATION: f32 = 1.4;
    // The ends are left out: pure black and white would disappear in the picture.
    const LIGHTNESS: (f32, f32) = (0.06, 0.95);
    let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
    let lightness = LIGHTNESS.0 + (LIGHTNESS.1 - LIGHTNESS.0) * fraction;
    let angle = std::f32::consts::TAU * (START / 3.0 + 1.0 + ROTATIONS * fraction);
    let amplitude = SATURATION * lightness * (1.0 - lightness) / 2.0;
    let (sine, cosine) = angle.sin_cos();
    let channel = |a: f32, b: f32| to_byte((lightness + amplitude * (a * cosine + b * sine)) * 255.0);
    [channel(-0.14861, 1.78277), channel(-0.29227, -0.90649), channel(1.97294, 0.0)]
}

/// `amount` of `over` on top of `under`; both ends included.
pub(super) fn mix(under: Rgb, over: Rgb, amount: f32) -> Rgb {
    let channel = |index: usize| {
        let (under, over) = (f32::from(under[index]), f32::from(over[index]));
        to_byte(under + (over - under) * amount.clamp(0.0, 1.0))
    };
    [channel(0), channel(1), channel(2)]
}

fn to_byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of an sRGB colour (ITU-R BT.709).
    fn luminance(colour: Rgb) -> f32 {
        let linear = colour.map(|byte| {
            let value = f32::from(byte) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    #[test]
    fn classes_have_colours_of_their_own() {
        let colours: Vec<Rgb> = (1..=14).map(class_colour).collect();
        for (index, first) in colours.iter().enumerate() {
            for second in &colours[index + 1..] {
                let distance: i32 = (0..3).map(|c| (i32::from(first[c]) - i32::from(second[c])).abs()).sum();
                assert!(distance > 40, "{first:?} and {second:?}");
            }
        }
        assert_eq!(class_colour(15), class_colour(1));
    }

    #[test]
    fn the_map_brightens_with_the_value() {
        let luminances: Vec<f32> =
            (0..=64).map(|step| luminance(entropy_colour(step as f32 / 64.0))).collect();
        assert!(luminances.windows(2).all(|pair| pair[0] < pair[1]), "{luminances:?}");
        assert!(luminances[0] < 0.02 && luminances[64] > 0.75);
        assert_eq!(entropy_colour(-1.0), entropy_colour(0.0));
        assert_eq!(entropy_colour(f32::INFINITY), entropy_colour(1.0));
        assert_eq!(entropy_colour(f32::NAN), entropy_colour(0.0));
    }

    #[test]
    fn mixing_reaches_both_ends() {
        assert_eq!(mix([10, 20, 30], [200, 100, 0], 0.0), [10, 20, 30]);
        assert_eq!(mix([10, 20, 30], [200, 100, 0], 1.0), [200, 100, 0]);
        assert_eq!(mix([0; 3], [100; 3], 0.5), [50; 3]);
    }
}
