//! What a file holds that is no BED, told from its first bytes.

use crate::error::{Error, Kind, Result};

const COMPRESSED: &str = "decompress it, or compress the text with gzip or bgzip";
const OTHER: &str = "give a BED file: lines of chrom, start, end";
const SIGNAL: &str = "convert it with bigWigToBedGraph";
const TABLE: &str = "write its intervals as text: chrom, start, end, separated by tabs";
const VARIANTS: &str = r"take its intervals out with bcftools query -f '%CHROM\t%POS0\t%END\n'";
const FEATURES: &str = r"its positions are 1-based; convert it: awk -F'\t' -v OFS='\t' '!/^#/ {print $1, $4 - 1, $5}'";
const INTERVALS: &str = r"an interval list is 1-based; convert it: awk -F'\t' -v OFS='\t' '!/^@/ {print $1, $2 - 1, $3, $5}'";

/// How files begin, what they are, and what to do with one.
const KNOWN: [(&[u8], &str, &str); 34] = [
    // Long enough that no name of a contig begins like it.
    (b"\x1f\x8b", "gzip within gzip", "decompress it once"),
    (b"\xfd7zXZ\0", "compressed with xz", COMPRESSED),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", COMPRESSED),
    (b"\x04\x22\x4d\x18", "compressed with lz4", COMPRESSED),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", COMPRESSED),
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or save the sheet as text with tabs"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "save the sheet as text with tabs"),
    (b"BAM\x01", "a BAM file", OTHER),
    (b"CRAM\x02", "a CRAM file", OTHER),
    (b"CRAM\x03", "a CRAM file", OTHER),
    (b"BAI\x01", "an index of a BAM file", OTHER),
    (b"CSI\x01", "an index of a BAM file", OTHER),
    (b"TBI\x01", "an index of a text file", OTHER),
    (b"BCF\x02", "a BCF file", VARIANTS),
    (b"##fileformat=VCF", "a VCF file", VARIANTS),
    (b"##gff-version", "a GFF file", FEATURES),
    (b"##gtf-version", "a GTF file", FEATURES),
    (b"@HD\t", "SAM text or an interval list of Picard", INTERVALS),
    (b"@SQ\t", "SAM text or an interval list of Picard", INTERVALS),
    (b"@RG\t", "SAM text", OTHER),
    (b"@PG\t", "SAM text", OTHER),
    (b">", "a FASTA file", OTHER),
    (b"<", "HTML or XML, perhaps a page saved in place of the file", "download the file itself"),
    (b"%PDF-", "a PDF document", OTHER),
    (b"PAR1\x15", "a Parquet file", TABLE),
    (b"ARROW1\0", "an Arrow file", TABLE),
    (b"\x89HDF", "an HDF5 file", TABLE),
    (b"\xeb\xf2\x89\x87", "a bigBed file", "convert it with bigBedToBed"),
    (b"\x87\x89\xf2\xeb", "a bigBed file", "convert it with bigBedToBed"),
    (b"\x26\xfc\x8f\x88", "a bigWig file", SIGNAL),
    (b"\x88\x8f\xfc\x26", "a bigWig file", SIGNAL),
    // PLINK calls its genotypes BED, too.
    (b"\x6c\x1b\x01", "a genotype file of PLINK", OTHER),
    (b"\x43\x27\x41\x1a", "a 2bit file", OTHER),
    (b"\x1a\x41\x27\x43", "a 2bit file", OTHER),
];

/// Refuses a text that begins like another format.
///
/// # Errors
///
/// [`Kind::UnsupportedFormat`], which says what it is.
pub(super) fn refuse_other(head: &[u8]) -> Result<()> {
    if let Some(encoding) = encoding(head) {
        return Err(Error::new(Kind::UnsupportedFormat, format!("the text is {encoding}"))
            .hint(format!("save it as UTF-8, or convert it: iconv -f {encoding} -t UTF-8")));
    }
    let known = KNOWN.iter().find(|(magic, ..)| head.starts_with(magic)).map(|&(_, what, remedy)| (what, remedy));
    // The fourth byte is the size of its blocks.
    let bzip2 = head.starts_with(b"BZh") && head.get(4..10) == Some(b"1AY&SY");
    let Some((what, remedy)) = known.or(bzip2.then_some(("compressed with bzip2", COMPRESSED))) else { return Ok(()) };
    Err(Error::new(Kind::UnsupportedFormat, format!("this is {what}, not BED")).hint(remedy))
}

/// The encoding of a text whose characters take more than a byte: by its byte order mark, or by the zeros in its first characters.
fn encoding(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some("UTF-16"),
        _ => {}
    }
    let wide = |zeros: [bool; 4]| {
        let quads = head.get(..8).unwrap_or_default().chunks_exact(4);
        quads.len() == 2 && quads.flat_map(|quad| quad.iter().zip(zeros)).all(|(&b, zero)| (b == 0) == zero)
    };
    if wide([false, true, true, true]) {
        return Some("UTF-32LE");
    }
    if wide([true, true, true, false]) {
        return Some("UTF-32BE");
    }
    let pairs = head.get(..8).unwrap_or(head).chunks_exact(2);
    let all = |zero: usize| {
        let mut count = 0;
        pairs.clone().all(|pair| {
            count += 1;
            pair.iter().enumerate().all(|(i, &b)| (b == 0) == (i == zero))
        }) && count > 1
    };
    match (all(1), all(0)) {
        (true, _) => Some("UTF-16LE"),
        (_, true) => Some("UTF-16BE"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(head: &[u8]) -> String {
        refuse_other(head).map_or_else(|e| e.to_string(), |()| String::new())
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn text_in_wide_characters_is_named() {
        for (mark, bytes) in [("\u{feff}", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("\u{feff}", u16::to_be_bytes)] {
            assert!(words(&utf16(&format!("{mark}chr1\t0\t10\n"), bytes)).starts_with("the text is UTF-16: save it as UTF-8"));
        }
        assert!(words(&utf16("chr1\t0\t10\n", u16::to_le_bytes)).contains("iconv -f UTF-16LE"));
        assert!(words(&utf16("chr1\t0\t10\n", u16::to_be_bytes)).contains("iconv -f UTF-16BE"));
        let utf32 = |bytes: fn(u32) -> [u8; 4]| "chr1".chars().map(u32::from).flat_map(bytes).collect::<Vec<_>>();
        assert!(words(&utf32(u32::to_le_bytes)).contains("iconv -f UTF-32LE"));
        assert!(words(&utf32(u32::to_be_bytes)).contains("iconv -f UTF-32BE"));
        assert!(words(&[&b"\xff\xfe\0\0"[..], &utf32(u32::to_le_bytes)].concat()).starts_with("the text is UTF-32:"));
    }

    #[test]
    fn other_formats_are_named() {
        for (head, what) in [
            (&b"\xfd7zXZ\0\0"[..], "this is compressed with xz, not BED: decompress it"),
            (b"BZh91AY&SY\x12", "compressed with bzip2"),
            (b"PK\x03\x04\x14", "a zip archive or an Excel workbook"),
            (b"BAM\x01\0\0", "this is a BAM file, not BED"),
            (b"##fileformat=VCFv4.2\n", "bcftools query"),
            (b"##gff-version 3\n", "1-based"),
            (b"@SQ\tSN:chr1", "an interval list is 1-based"),
            (b">chr1\nACGT", "a FASTA file"),
            (b"\xeb\xf2\x89\x87\x04", "a bigBed file"),
            (b"\x26\xfc\x8f\x88\x04", "bigWigToBedGraph"),
            (b"\x6c\x1b\x01\xdc", "a genotype file of PLINK"),
            (b"\x28\xb5\x2f\xfd\x04", "compressed with zstd"),
            (b"CRAM\x03\0", "a CRAM file"),
            (b"<!DOCTYPE html>", "HTML or XML"),
            (b"@HD\tVN:1.6", "interval list of Picard"),
        ] {
            assert!(words(head).contains(what), "{}", words(head));
        }
    }

    #[test]
    fn bed_is_not_refused() {
        for head in [
            &b""[..],
            b"\n",
            b"c",
            b"c\0\t1",
            b"chr1\t0\t10\n",
            b"# x\n",
            b"\0\0\0\0\0\0",
            b"BZh9\t0\t1\n",
            b"PAR1\t0\t1\n",
            b"CRAM\t0\t1\n",
            b"\xff\xfa\n",
        ] {
            assert_eq!(words(head), "");
        }
    }
}
