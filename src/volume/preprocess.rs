//! From an image's own grid and intensities to the networks': what can be configured.

use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Preprocessing (METHOD §5): part of a training configuration and of every model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Percentiles of a volume's intensities that become 0 and 1; what lies beyond is clipped.
    /// Default: [2, 98].
    #[schemars(inner(range(min = 0.0, max = 100.0)))]
    pub percentiles: [f64; 2],
    /// In-plane spacing along x and y, in mm, that slices are resampled to; null keeps the image's own.
    /// Default: [1.36719, 1.36719].
    #[schemars(inner(range(min = 0.001, max = 1000.0)))]
    pub spacing: Option<[f64; 2]>,
    /// Width and height, in pixels, that slices are padded to with their minimum, about their centre. Not below
    /// `crop`. Default: [224, 224].
    #[schemars(inner(range(min = 16, max = 8192)))]
    pub pad: [usize; 2],
    /// Width and height, in pixels, of the centre that the networks see; multiples of 16.
    /// Default: [192, 192].
    #[schemars(inner(range(min = 16, max = 8192)))]
    pub crop: [usize; 2],
}

impl Default for Preprocess {
    fn default() -> Self {
        Preprocess { percentiles: [2.0, 98.0], spacing: Some([1.36719; 2]), pad: [224; 2], crop: [192; 2] }
    }
}

impl Preprocess {
    /// Checks the values, with the ranges of the schema and what a schema cannot say.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the key.
    pub fn validate(&self) -> Result<()> {
        let refuse = |key: &str, found: String, expected: &str| {
            Err(Error::InvalidConfig(format!("`preprocess.{key}` is {found}; expected {expected}")))
        };
        let [low, high] = self.percentiles;
        // NaN fails every comparison.
        if !(0.0 <= low && low < high && high <= 100.0) {
            return refuse(
                "percentiles",
                format!("[{low}, {high}]"),
                "two numbers from 0 to 100, the lower first",
            );
        }
        if let Some([x, y]) = self.spacing.filter(|pair| !pair.iter().all(|mm| (0.001..=1000.0).contains(mm)))
        {
            return refuse("spacing", format!("[{x}, {y}]"), "millimetres from 0.001 to 1000, or null");
        }
        let [width, height] = self.crop;
        if !self.crop.iter().all(|size| (16..=8192).contains(size) && size % 16 == 0) {
            return refuse("crop", format!("[{width}, {height}]"), "multiples of 16 from 16 to 8192");
        }
        let [x, y] = self.pad;
        if x > 8192 || y > 8192 || x < width || y < height {
            let expected = format!("at least `preprocess.crop` ([{width}, {height}]) and at most 8192");
            return refuse("pad", format!("[{x}, {y}]"), &expected);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    fn refused(change: impl FnOnce(&mut Preprocess)) -> String {
        let mut preprocess = Preprocess::default();
        change(&mut preprocess);
        match preprocess.validate() {
            Err(Error::InvalidConfig(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_are_named() {
        Preprocess::default().validate().unwrap();
        Preprocess { spacing: None, ..Preprocess::default() }.validate().unwrap();
        assert!(refused(|p| p.percentiles = [98.0, 2.0]).contains("`preprocess.percentiles` is [98, 2]"));
        assert!(refused(|p| p.percentiles = [f64::NAN, 98.0]).contains("percentiles"));
        assert!(refused(|p| p.percentiles = [5.0, 5.0]).contains("the lower first"));
        assert!(refused(|p| p.spacing = Some([1.0, 0.0])).contains("`preprocess.spacing` is [1, 0]"));
        assert!(refused(|p| p.spacing = Some([f64::INFINITY, 1.0])).contains("spacing"));
        assert!(
            refused(|p| p.crop = [192, 200])
                .contains("`preprocess.crop` is [192, 200]; expected multiples of 16")
        );
        assert!(refused(|p| p.crop = [0, 192]).contains("crop"));
        assert!(refused(|p| p.pad = [191, 224]).contains("`preprocess.pad` is [191, 224]"));
    }

    #[test]
    fn json_is_read_strictly_and_by_range() {
        let overlay = |text| schema::overlay_text(&Preprocess::default(), text);
        assert_eq!(overlay("").unwrap(), Preprocess::default());
        assert_eq!(overlay(r#"{"spacing": null}"#).unwrap().spacing, None);
        for (text, key) in [
            (r#"{"percentile": [1, 99]}"#, "percentile"),
            (r#"{"percentiles": [-1, 99]}"#, "percentiles"),
            (r#"{"spacing": [1.0, 0.0001]}"#, "spacing"),
            (r#"{"spacing": [1.0]}"#, "spacing"),
            (r#"{"pad": [8, 224]}"#, "pad"),
            (r#"{"crop": [192.5, 192]}"#, "crop"),
            (r#"{"crop": [192, 9000]}"#, "crop"),
        ] {
            let error = overlay(text).unwrap_err().to_string();
            assert!(error.contains(key), "{text}: {error}");
        }
    }
}
