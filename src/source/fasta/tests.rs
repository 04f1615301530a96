use std::fmt::Write as _;
use std::io::Write as _;

use proptest::prelude::*;

use super::*;

/// A folder with a FASTA file and what lies beside it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(fasta: &[u8]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.put("", fasta);
        folder
    }

    /// The FASTA with a `.fai`.
    fn indexed(fasta: &[u8], fai: &[u8]) -> Self {
        let folder = Self::with(fasta);
        folder.put(".fai", fai);
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("r.fa")
    }

    fn put(&self, suffix: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(format!("r.fa{suffix}")), bytes).unwrap();
    }

    fn open(&self) -> Result<Reference> {
        Reference::open(&self.path())
    }

    /// The error of opening it or of reading all of `name`.
    fn error(&self, name: &str) -> Error {
        match self.open() {
            Err(e) => e,
            Ok(reference) => whole(&reference, name).unwrap_err(),
        }
    }
}

fn fetch(reference: &Reference, name: &str, start: i64, end: i64) -> Result<Vec<u8>> {
    let mut out = b"before".to_vec();
    let result = reference.fetch(name.as_bytes(), Interval::new(start, end), &mut out);
    assert_eq!(&out[..6], b"before");
    if result.is_err() {
        assert_eq!(out.len(), 6);
    }
    result.map(|()| out.split_off(6))
}

fn whole(reference: &Reference, name: &str) -> Result<Vec<u8>> {
    fetch(reference, name, 0, reference.contig_len(name.as_bytes()).unwrap_or(0))
}

/// A FASTA and its `.fai`. A name line always has its newline: `samtools faidx` makes no index for one that has none.
fn fasta(contigs: &[(String, Vec<u8>)], width: usize, newline: &str, last_newline: bool) -> (Vec<u8>, Vec<u8>) {
    let (mut text, mut fai) = (Vec::new(), String::new());
    for (name, letters) in contigs {
        write!(text, ">{name} a > description{newline}").unwrap();
        let bases = width.min(letters.len());
        let line_width = if bases == 0 { 0 } else { bases + newline.len() };
        writeln!(fai, "{name}\t{}\t{}\t{bases}\t{line_width}", letters.len(), text.len()).unwrap();
        for line in letters.chunks(width) {
            text.extend(line);
            text.extend(newline.bytes());
        }
    }
    if !last_newline && contigs.last().is_some_and(|(_, letters)| !letters.is_empty()) {
        text.truncate(text.trim_ascii_end().len());
    }
    (text, fai.into_bytes())
}

/// `text` in frames of `size` bytes, and its `.gzi`.
fn bgzip(text: &[u8], size: usize) -> (Vec<u8>, Vec<u8>) {
    let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
    let mut entries = Vec::new();
    for (i, part) in text.chunks(size).enumerate() {
        if i > 0 {
            entries.push((writer.position(), (i * size) as u64));
        }
        writer.write_all(part).unwrap();
        writer.flush().unwrap();
    }
    let mut gzi = Vec::new();
    noodles_bgzf::gzi::io::Writer::new(&mut gzi).write_index(&entries.into()).unwrap();
    (writer.finish().unwrap(), gzi)
}

fn contigs() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let letters = prop::collection::vec(prop::sample::select(&b"ACGTNacgtnRYKM*-"[..]), 0..400);
    prop::collection::vec(letters, 1..5)
        .prop_map(|all| all.into_iter().enumerate().map(|(i, letters)| (format!("c{i}"), letters)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn letters_come_back_in_every_form(
        contigs in contigs(),
        width in 1usize..90,
        crlf in any::<bool>(),
        last_newline in any::<bool>(),
        frame in 20usize..300,
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0usize..400, 0usize..400), 1..20),
    ) {
        let (text, fai) = fasta(&contigs, width, if crlf { "\r\n" } else { "\n" }, last_newline);
        let (frames, gzi) = bgzip(&text, frame);
        for (bytes, with_fai, with_gzi) in
            [(&text, false, false), (&text, true, false), (&frames, false, false), (&frames, true, false), (&frames, true, true), (&frames, false, true)]
        {
            let folder = Folder::with(bytes);
            if with_fai {
                folder.put(".fai", &fai);
            }
            if with_gzi {
                folder.put(".gzi", &gzi);
            }
            let reference = folder.open().unwrap();
            for (name, letters) in &contigs {
                prop_assert_eq!(reference.contig_len(name.as_bytes()), Some(letters.len() as i64));
                prop_assert!(reference.check_contig(name.as_bytes(), letters.len() as i64).is_ok());
                prop_assert_eq!(&whole(&reference, name).unwrap(), letters);
            }
            for &(contig, a, b) in &picks {
                let (name, letters) = contig.get(&contigs);
                let (a, b) = (a.min(b).min(letters.len()), a.max(b).min(letters.len()));
                prop_assert_eq!(&fetch(&reference, name, a as i64, b as i64).unwrap(), &letters[a..b]);
            }
        }
    }

    #[test]
    fn damage_is_an_error_or_does_not_show(
        contigs in contigs(),
        frame in 20usize..300,
        flips in prop::collection::vec((0usize..3, any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in (0usize..3, any::<prop::sample::Index>()),
        compressed in any::<bool>(),
    ) {
        let (text, fai) = fasta(&contigs, 20, "\n", true);
        let (frames, gzi) = bgzip(&text, frame);
        let mut files = [if compressed { frames } else { text }, fai, gzi];
        for (file, at, value) in flips {
            let at = at.index(files[file].len());
            files[file][at] = value;
        }
        let cut_at = cut.1.index(files[cut.0].len());
        files[cut.0].truncate(cut_at);
        let folder = Folder::with(&files[0]);
        folder.put(".fai", &files[1]);
        folder.put(".gzi", &files[2]);
        if let Ok(reference) = folder.open() {
            for (name, _) in &contigs {
                let _ = whole(&reference, name);
            }
        }
    }
}

/// Two contigs in lines of 10.
fn two() -> (Vec<u8>, Vec<u8>) {
    let letters = |n: usize| b"ACGTT".iter().copied().cycle().take(n).collect();
    fasta(&[("one".into(), letters(95)), ("two".into(), letters(40))], 10, "\n", true)
}

#[test]
fn bounds_of_an_interval() {
    let reference = Folder::with(&two().0).open().unwrap();
    assert_eq!(fetch(&reference, "one", 8, 12).unwrap(), b"TTAC");
    assert!(fetch(&reference, "one", 95, 95).unwrap().is_empty());
    for (start, end) in [(-1, 5), (5, 4), (0, 96), (i64::MIN, i64::MAX)] {
        assert_eq!(fetch(&reference, "one", start, end).unwrap_err().kind(), Kind::Region);
    }
}

#[test]
fn contigs_are_compared_with_the_header() {
    let reference = Folder::with(b">1\nACGT\n>MT\nAC\n").open().unwrap();
    assert!(reference.check_contig(b"1", 4).is_ok());
    let error = reference.check_contig(b"1", 5).unwrap_err();
    assert_eq!(error.kind(), Kind::ReferenceMismatch);
    assert!(error.to_string().contains("contig '1' has 4 bases in the reference and 5 in the BAM's header"), "{error}");
    let error = reference.check_contig(b"chrM", 2).unwrap_err();
    assert_eq!(error.kind(), Kind::ReferenceMissing);
    assert!(error.to_string().contains("contig 'chrM' is not in the reference (2 contigs; did you mean 'MT'?)"), "{error}");
    assert_eq!(fetch(&reference, "x", 0, 0).unwrap_err().kind(), Kind::ReferenceMissing);
}

#[test]
fn files_that_are_no_fasta() {
    let kind = |bytes: &[u8]| Folder::with(bytes).open().unwrap_err().kind();
    assert_eq!(kind(b""), Kind::CorruptFile);
    assert_eq!(kind(&bgzip(b"", 10).0), Kind::CorruptFile);
    for bytes in
        [&b"@r\nACGT\n+\nIIII\n"[..], b"ACGT", b"BAM\x01", b"\n\n\n", &bgzip(b"BAM\x01", 10).0, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"]
    {
        assert_eq!(kind(bytes), Kind::UnsupportedFormat);
    }
    let error = Folder::with(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03").open().unwrap_err().to_string();
    assert!(error.contains("gzip") && error.contains("bgzip"), "{error}");
}

#[test]
fn lines_that_cannot_be_indexed() {
    for text in [
        ">a\nACGT\nACGTA\n",
        ">a\nACGT\nAC\nACGT\n",
        ">a\nACGT\n\nACGT\n",
        ">a\nACGT\r\nACGT\nACGT\n",
        ">a\nAC GT\n",
        ">a\nAC>GT\n",
        ">a\nAC\0GT\n",
        ">a\nAC\u{e9}GT\n",
        ">\nACGT\n",
        "> a\nACGT\n",
        ">a\nACGT\n>b\nAC\n>a\nAC\n",
        ">a\nACGT                 \nACGT\n",
    ] {
        let error = Folder::with(text.as_bytes()).open().unwrap_err();
        assert_eq!(error.kind(), Kind::CorruptFile, "{text:?} {error}");
    }
    for (text, len) in
        [(">a\nACGT\nAC\n\n\n>b\nA", 6), ("\n\n>a", 0), (">a\tx\nACGT \nACGT \nA", 9), (">a\nACGT\nACGT\r\n", 8), (">a\n>b\nA\n", 0)]
    {
        let reference = Folder::with(text.as_bytes()).open().unwrap();
        assert_eq!(reference.contig_len(b"a"), Some(len), "{text:?}");
        assert_eq!(whole(&reference, "a").unwrap().len() as i64, len);
    }
}

#[test]
fn a_fai_must_be_one() {
    let (text, _) = two();
    for fai in [
        "",
        "\n",
        "not an index",
        "one\t95\t5\t0\t0\n",
        "one\t-1\t5\t10\t11\n",
        "one\t95\t5\t10\t9\n",
        "one\t95\t5\t10\t10\n",
        "one\t95\t5\t10\t40\n",
        "one\t18446744073709551615\t18446744073709551615\t10\t11\n",
        "one\t9223372036854775807\t5\t1\t2\n",
        "one\t95\t5\t10\t11\t120\n",
        "\t95\t5\t10\t11\n",
        "one\t+95\t5\t10\t11\n",
        "one\t95\t5\t10\n",
        "one\t\t5\t10\t11\n",
    ] {
        let error = Folder::indexed(&text, fai.as_bytes()).open().unwrap_err();
        assert_eq!(error.kind(), Kind::CorruptIndex, "{fai:?}");
        assert!(error.file().unwrap().to_string_lossy().ends_with(".fai"));
    }
    let twice = "one\t95\t22\t10\t11\none\t40\t24\t10\t11\n";
    assert_eq!(Folder::indexed(&text, twice.as_bytes()).open().unwrap_err().kind(), Kind::CorruptFile);
}

#[test]
fn a_fai_must_belong_to_the_file() {
    let (text, fai) = two();
    let fai = String::from_utf8(fai).unwrap();
    assert_eq!(&fai, "one\t95\t21\t10\t11\ntwo\t40\t147\t10\t11\n");
    for (wrong, kind) in [
        // Another place: not behind the name, behind another name, behind the end of the file.
        ("one\t95\t22\t10\t11\n", Kind::CorruptIndex),
        ("one\t40\t147\t10\t11\n", Kind::CorruptIndex),
        ("ne\t95\t21\t10\t11\n", Kind::CorruptIndex),
        ("on\t95\t21\t10\t11\n", Kind::CorruptIndex),
        ("one\t500\t21\t10\t11\n", Kind::IndexMismatch),
        // Other lines, other lengths.
        ("one\t95\t21\t9\t10\n", Kind::IndexMismatch),
        ("one\t95\t21\t10\t12\n", Kind::IndexMismatch),
        ("one\t90\t21\t10\t11\n", Kind::CorruptIndex),
        ("one\t94\t21\t10\t11\n", Kind::CorruptIndex),
        ("one\t96\t21\t10\t11\n", Kind::CorruptIndex),
    ] {
        let error = Folder::indexed(&text, wrong.as_bytes()).error(wrong.split_once('\t').unwrap().0);
        assert_eq!(error.kind(), kind, "{wrong:?} {error}");
        assert!(error.file().unwrap().to_string_lossy().ends_with(".fai"), "{error}");
        assert!(error.about_contig().is_some() && error.remedy().unwrap().contains("samtools faidx"), "{error}");
    }
}

/// The index is right as far as name, first and last line go; what lies between is looked at when it is read.
#[test]
fn lines_are_looked_at_when_they_are_read() {
    let (text, fai) = two();
    for (byte, kind) in [(b'>', Kind::CorruptIndex), (b'\n', Kind::CorruptIndex), (0, Kind::CorruptFile), (0xe9, Kind::CorruptFile)] {
        let mut text = text.clone();
        text[60] = byte;
        let reference = Folder::indexed(&text, &fai).open().unwrap();
        assert!(fetch(&reference, "one", 0, 30).is_ok() && fetch(&reference, "one", 50, 95).is_ok());
        let error = fetch(&reference, "one", 30, 40).unwrap_err();
        assert_eq!((error.kind(), error.about_contig()), (kind, Some("one")), "{error}");
    }
    let mut text = text;
    text[64] = b'A';
    let reference = Folder::indexed(&text, &fai).open().unwrap();
    assert_eq!(fetch(&reference, "one", 39, 41).unwrap_err().kind(), Kind::CorruptIndex);
}

#[test]
fn a_gzi_must_be_one_of_the_file() {
    let (text, fai) = two();
    let (frames, gzi) = bgzip(&text, 50);
    let n = |i: usize| u64::from_le_bytes(gzi[8 * i..8 * i + 8].try_into().unwrap());
    let bytes = |numbers: &[u64]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    assert_eq!(n(0), 3);
    for (wrong, what) in [
        (gzi[..gzi.len() - 5].to_vec(), "cut"),
        (vec![], "empty"),
        ([&(1u64 << 63).to_le_bytes()[..], &gzi[8..]].concat(), "count"),
        (bytes(&[1, 1 << 40, 100]), "past the end"),
        (bytes(&[2, n(3), n(4), n(1), n(2)]), "unordered"),
        (bytes(&[3, n(1), n(2), n(3) + 1, n(4), n(5), n(6)]), "no frame"),
        (bytes(&[3, n(1), n(2), n(3), n(4), n(5) + 1, n(6)]), "last is no frame"),
        (bytes(&[3, n(1), n(2) - 1, n(3), n(4), n(5), n(6)]), "other length"),
        (bytes(&[1, n(3), n(4)]), "one left out"),
    ] {
        let folder = Folder::indexed(&frames, &fai);
        folder.put(".gzi", &wrong);
        let error = folder.error("one");
        assert_eq!(error.kind(), Kind::CorruptIndex, "{what}: {error}");
        assert!(error.to_string().contains(".gzi"), "{what}: {error}");
    }
}

#[test]
fn damaged_frames() {
    let (text, fai) = two();
    let (frames, _) = bgzip(&text, 50);
    let mut wrong = frames.clone();
    let end_of_first = usize::from(u16::from_le_bytes([frames[16], frames[17]])) + 1;
    wrong[end_of_first - 8] ^= 1;
    assert_eq!(Folder::indexed(&wrong, &fai).error("one").kind(), Kind::CorruptFile);
    assert_eq!(Folder::with(&wrong).error("one").kind(), Kind::CorruptFile);
    assert_eq!(Folder::indexed(&frames[..end_of_first + 30], &fai).error("one").kind(), Kind::TruncatedFile);
    assert_eq!(Folder::indexed(&frames[..end_of_first + 3], &fai).error("one").kind(), Kind::TruncatedFile);
    assert_eq!(Folder::indexed(&[&frames[..end_of_first], &[7; 40][..]].concat(), &fai).error("one").kind(), Kind::CorruptFile);
}

#[test]
fn many_threads_read_at_once() {
    let letters: Vec<u8> = (0..200_000u32).map(|i| b"ACGT"[(i.wrapping_mul(2_654_435_761) >> 30) as usize]).collect();
    let (text, _) = fasta(&[("c".into(), letters.clone())], 60, "\n", true);
    for bytes in [bgzip(&text, 5_000).0, text] {
        let reference = Folder::with(&bytes).open().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (reference, letters) = (&reference, &letters);
                scope.spawn(move || {
                    for i in 0..100 {
                        let start = (thread * 37_003 + i * 12_345) % 190_000;
                        let found = fetch(reference, "c", start as i64, start as i64 + 9_000).unwrap();
                        assert_eq!(found, &letters[start..start + 9_000]);
                    }
                });
            }
        });
    }
}
