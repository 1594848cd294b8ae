//! A gzip file: one member or several, and zeros behind them, as copies of whole blocks leave.

use flate2::bufread::GzDecoder;
use std::io::{BufRead, ErrorKind, Read, Result};

/// How many zeros are looked at for a further member behind them.
const MOST_PADDING: usize = 1 << 20;

/// The unpacked bytes of all members.
pub struct Members<R: BufRead> {
    /// The one that is read; none behind the last.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub fn new(packed: R) -> Self {
        Members { member: Some(GzDecoder::new(packed)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while let Some(member) = &mut self.member {
            let found = member.read(buffer)?;
            if found > 0 || buffer.is_empty() {
                return Ok(found);
            }
            if is_at_end(member.get_mut())? {
                self.member = None;
            } else {
                self.member = self.member.take().map(|member| GzDecoder::new(member.into_inner()));
            }
        }
        Ok(0)
    }
}

/// Goes on behind zeros; whether nothing else follows.
fn is_at_end(packed: &mut impl BufRead) -> Result<bool> {
    let mut zeros = 0;
    while zeros < MOST_PADDING {
        let rest = match packed.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            rest => rest?,
        };
        if rest.is_empty() {
            return Ok(true);
        }
        let leading = rest.iter().take_while(|&&byte| byte == 0).count();
        let other = leading < rest.len();
        packed.consume(leading);
        if other {
            return Ok(false);
        }
        zeros += leading;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::{BufReader, Write};

    #[test]
    fn members_follow_each_other_and_zeros_end_them() {
        let (one, two) = (packed(b"one"), packed(b"two"));
        for (bytes, expected) in [
            (one.clone(), "one"),
            ([one.as_slice(), &two].concat(), "onetwo"),
            ([one.as_slice(), &[0; 9], &two, &[0; 700]].concat(), "onetwo"),
            ([one.as_slice(), &[0; 2 << 20]].concat(), "one"),
        ] {
            assert_eq!(unpacked(&bytes).unwrap(), expected);
        }
    }

    #[test]
    fn other_bytes_behind_a_member_and_a_cut_member_are_errors() {
        let one = packed(b"one");
        assert!(unpacked(&[one.as_slice(), b"not a member"].concat()).is_err());
        assert!(unpacked(&[one.as_slice(), &[0; 4], b"nor this"].concat()).is_err());
        let error = unpacked(&one[..one.len() - 3]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> Result<String> {
        let mut text = String::new();
        // A small buffer, so that its edges fall everywhere.
        Members::new(BufReader::with_capacity(5, bytes)).read_to_string(&mut text)?;
        Ok(text)
    }
}
