//! Decompression of a body, chunk by chunk.

use std::io::{self, Write};
use std::mem;

use brotli_decompressor::DecompressorWriter;
use flate2::write::{MultiGzDecoder, ZlibDecoder};

/// A few bytes can stand for gigabytes. No honest chunk of a stream becomes longer than this: it is more than
/// the longest event that is read.
const MAX_DECODED_BYTES: usize = 40 * 1024 * 1024;

/// The internal buffer of the Brotli decoder, which writes it out when it is full and after each chunk.
const BROTLI_BUFFER_BYTES: usize = 16 * 1024;

/// What a decoder has written and nobody has taken yet.
#[derive(Default)]
pub(super) struct Decoded(Vec<u8>);

impl Write for Decoded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_DECODED_BYTES {
            return Err(io::Error::other(format!(
                "a compressed chunk becomes longer than {MAX_DECODED_BYTES} bytes"
            )));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) enum Decoder {
    Gzip(MultiGzDecoder<Decoded>),
    Deflate(ZlibDecoder<Decoded>),
    Brotli(Box<DecompressorWriter<Decoded>>),
}

impl Decoder {
    /// `None` for an encoding that this client cannot decode.
    pub(super) fn of_encoding(encoding: &str) -> Option<Self> {
        let sink = Decoded::default();
        match encoding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip(MultiGzDecoder::new(sink))),
            "deflate" => Some(Self::Deflate(ZlibDecoder::new(sink))),
            "br" => Some(Self::Brotli(Box::new(DecompressorWriter::new(
                sink,
                BROTLI_BUFFER_BYTES,
            )))),
            _ => None,
        }
    }

    /// Everything that the bytes so far stand for and that was not returned yet.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let sink = match self {
            Self::Gzip(decoder) => {
                decoder.write_all(bytes)?;
                decoder.flush()?;
                decoder.get_mut()
            }
            Self::Deflate(decoder) => {
                decoder.write_all(bytes)?;
                decoder.flush()?;
                decoder.get_mut()
            }
            Self::Brotli(decoder) => {
                decoder.write_all(bytes)?;
                decoder.get_mut()
            }
        };
        Ok(mem::take(&mut sink.0))
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    const EVENT: &[u8] = b"event: a\ndata: 1\n\n";

    #[test]
    fn a_flushed_event_is_decoded_before_the_stream_ends() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
        let mut gzip_decoder = Decoder::of_encoding("GZIP").expect("it is known");
        let mut deflate_decoder = Decoder::of_encoding("deflate").expect("it is known");
        for _ in 0..3 {
            gzip.write_all(EVENT).expect("it is written");
            gzip.flush().expect("it is flushed");
            let decoded = gzip_decoder.decode(&mem::take(gzip.get_mut()));
            assert_eq!(decoded.expect("valid"), EVENT);
            deflate.write_all(EVENT).expect("it is written");
            deflate.flush().expect("it is flushed");
            let decoded = deflate_decoder.decode(&mem::take(deflate.get_mut()));
            assert_eq!(decoded.expect("valid"), EVENT);
        }
    }

    #[test]
    fn brotli_is_decoded_byte_by_byte() {
        // Made by `brotli` from `EVENT`: it has one uncompressed block.
        let compressed = [&[0x8b, 0x08, 0x80][..], EVENT, &[0x03]].concat();
        let mut decoder = Decoder::of_encoding("br").expect("it is known");
        let mut decoded = Vec::new();
        for byte in compressed {
            decoded.extend(decoder.decode(&[byte]).expect("valid"));
        }
        assert_eq!(decoded, EVENT);
    }

    #[test]
    fn a_chunk_that_becomes_too_long_is_an_error() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&vec![b'x'; MAX_DECODED_BYTES + 1])
            .expect("it is written");
        let compressed = gzip.finish().expect("it is compressed");
        let mut decoder = Decoder::of_encoding("gzip").expect("it is known");
        let error = decoder.decode(&compressed).expect_err("it is too long");
        assert!(error.to_string().contains("longer than"), "{error}");
    }

    #[test]
    fn other_encodings_are_unknown() {
        assert!(Decoder::of_encoding("zstd").is_none());
        assert!(Decoder::of_encoding("gzip, br").is_none());
    }
}
