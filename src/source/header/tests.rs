use super::*;

/// The bytes of a head, as a writer would make them.
fn head(text: &[u8], contigs: &[(&[u8], i32)]) -> Vec<u8> {
    let mut out = b"BAM\x01".to_vec();
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text);
    out.extend((contigs.len() as u32).to_le_bytes());
    for (name, len) in contigs {
        out.extend((name.len() as u32 + 1).to_le_bytes());
        out.extend(*name);
        out.push(0);
        out.extend(len.to_le_bytes());
    }
    out
}

fn parse(text: &str, contigs: &[(&[u8], i32)]) -> Result<Header> {
    parse_bytes(&head(text.as_bytes(), contigs))
}

fn parse_bytes(bytes: &[u8]) -> Result<Header> {
    let (header, used) = Header::parse(bytes, 0)?.unwrap();
    assert_eq!(used, bytes.len());
    Ok(header)
}

fn error(text: &str, contigs: &[(&[u8], i32)]) -> (Kind, String) {
    let e = parse(text, contigs).unwrap_err();
    (e.kind(), e.to_string())
}

const TWO: [(&[u8], i32); 2] = [(b"chr1", 100), (b"chr2", 0)];
const TWO_TEXT: &str = "@SQ\tSN:chr1\tLN:100\n@SQ\tSN:chr2\tLN:0\n";

#[test]
fn contigs_order_and_samples() {
    let text = format!("@HD\tVN:1.6\tSO:coordinate\n{TWO_TEXT}@RG\tID:a\tSM:s 1\n@RG\tID:b\tSM:s2\n@RG\tID:c\n@RG\tID:d\tSM:s 1\n");
    let header = parse(&text, &TWO).unwrap();
    assert_eq!(header.contigs[0], Contig { name: b"chr1".to_vec(), len: 100 });
    assert_eq!((header.contig_id(b"chr2"), header.contig_id(b"chr3")), (Some(1), None));
    assert_eq!(header.sort_order, SortOrder::Coordinate);
    assert_eq!(header.samples, [b"s 1".to_vec(), b"s2".to_vec()]);
}

#[test]
fn odd_text_is_no_error() {
    for text in [
        "",
        "@RG\n@RG\tID:\n@RG\tID:x\n@RG\tID:x\n@PG\tID:\tPP:nope\n@XX\njunk line\n\n@SQ no tab",
        "@CO\t\u{e9}\n@HD\tSO:coordinate\tVN:1\n",
        "@SQ\tSN:chr1\tLN:100\r\n@SQ\tLN:0\tM5:0\tSN:chr2\r\n",
        "@SQ\tSN:chr1\tLN:100\n@SQ\tSN:chr2\tLN:0\n\0\0\0\0",
    ] {
        assert_eq!(parse(text, &TWO).unwrap().contigs.len(), 2, "{text:?}");
    }
    assert_eq!(parse_bytes(&head(b"@CO\t\xe9\xff", &[])).unwrap().contigs, []);
}

#[test]
fn sort_orders() {
    let order = |so: &str| parse(&format!("@HD\tVN:1.6{so}\n"), &[]).unwrap().sort_order;
    assert_eq!(order(""), SortOrder::Unknown);
    assert_eq!(order("\tSO:unsorted"), SortOrder::Unsorted);
    assert_eq!(order("\tSO:queryname"), SortOrder::Queryname);
    assert_eq!(order("\tSO:Coordinate"), SortOrder::Other);
}

#[test]
fn text_and_list_must_agree() {
    for (text, contigs, message) in [
        (
            "@SQ\tSN:chr1\tLN:100\n@SQ\tSN:chrX\tLN:0\n",
            &TWO[..],
            "contig 'chrX' is number 2 in the header's text, its contig list has 'chr2'",
        ),
        ("@SQ\tSN:chr1\tLN:101\n", &TWO, "contig 'chr1' has 101 bases in the header's text and 100 in its contig list"),
        ("@SQ\tSN:chr1\tLN:100\n", &TWO, "contig 'chr2' is in the header's contig list but not in its text"),
        (TWO_TEXT, &TWO[..1], "contig 'chr2' is in the header's text but not in its contig list"),
        ("@SQ\tLN:100\n", &TWO, "@SQ line 1 of the header has no SN"),
        ("@SQ\tSN:chr1\tLN:-1\n", &TWO, "contig 'chr1' has LN '-1'"),
    ] {
        let (kind, found) = error(text, contigs);
        assert_eq!(kind, Kind::CorruptFile);
        assert!(found.starts_with(message), "{found}");
    }
}

#[test]
fn a_name_may_occur_once() {
    for (text, contigs) in [
        ("", &[(&b"a"[..], 1), (b"b", 1), (b"a", 2)][..]),
        ("@SQ\tSN:a\tLN:1\n@SQ\tSN:a\tLN:1\n", &[(b"a", 1), (b"b", 1)]),
        ("@SQ\tSN:a\tLN:1\n@SQ\tSN:a\tLN:1\n", &[(b"a", 1)]),
    ] {
        let (kind, found) = error(text, contigs);
        assert_eq!(kind, Kind::CorruptFile);
        assert!(found.starts_with("contig 'a' is in the header twice"), "{found}");
    }
}

#[test]
fn lengths_and_names_that_cannot_be() {
    assert_eq!(error("", &[(b"neg", -5)]), (Kind::CorruptFile, "contig 'neg' has the length -5".into()));
    assert_eq!(error("", &[(b"", 5)]).0, Kind::CorruptFile);
    assert_eq!(parse("", &[(b"long", i32::MAX)]).unwrap().contigs[0].len, i64::from(i32::MAX));
}

#[test]
fn every_cut_asks_for_more_or_is_an_error() {
    let whole = head(TWO_TEXT.as_bytes(), &TWO);
    for cut in 0..whole.len() {
        assert!(Header::parse(&whole[..cut], 1 << 20).unwrap().is_none(), "{cut}");
        assert_eq!(Header::parse(&whole[..cut], 0).unwrap_err().kind(), Kind::TruncatedFile, "{cut}");
    }
    let mut more = whole.clone();
    more.extend([0; 50]);
    assert_eq!(Header::parse(&more, 0).unwrap().unwrap().1, whole.len());
}

#[test]
fn counts_are_held_against_what_the_file_can_hold() {
    let with = |at: usize, value: u32| {
        let mut bytes = head(TWO_TEXT.as_bytes(), &TWO);
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        Header::parse(&bytes, 1000).unwrap_err()
    };
    let n_ref = 8 + TWO_TEXT.len();
    for at in [4, n_ref, n_ref + 4] {
        for value in [1 << 16 | 1, i32::MAX as u32, u32::MAX - 15, u32::MAX] {
            assert_eq!(with(at, value).kind(), Kind::CorruptFile, "{at} {value}");
        }
    }
    assert_eq!(with(n_ref + 4, 0).kind(), Kind::CorruptFile);
    let mut bytes = head(b"", &[]);
    bytes[8..].copy_from_slice(&(1u32 << 28).to_le_bytes());
    assert_eq!(Header::parse(&bytes, u64::MAX).unwrap_err().kind(), Kind::ResourceLimit);
}

#[test]
fn other_magics_are_unsupported() {
    for magic in [b"BAM\x02", b"CRAM", b"@HD\t"] {
        assert_eq!(Header::parse(magic, 1000).unwrap_err().kind(), Kind::UnsupportedFormat);
    }
}

#[test]
fn near_names_are_suggested() {
    let header = parse("", &[(b"1", 1), (b"2", 1), (b"MT", 1), (b"scaffold_100", 1), (b"scaffold_101", 1), (b"scaffold_1001", 1)]).unwrap();
    assert_eq!(header.suggestions(b"chr1"), ["1"]);
    assert_eq!(header.suggestions(b"chrM"), ["MT"]);
    assert_eq!(header.suggestions(b"mt"), ["MT"]);
    assert_eq!(header.suggestions(b"Scaffold_1001"), ["scaffold_1001", "scaffold_100", "scaffold_101"]);
    assert!(header.suggestions(b"3").is_empty() && header.suggestions(b"chr3").is_empty());
    assert_eq!(
        header.unknown_contig(b"chrM").to_string(),
        "contig 'chrM' is not in the header (6 contigs; did you mean 'MT'?): give a name from the header (the first is '1')"
    );
    assert_eq!(
        header.unknown_contig(b"zzzzzzzzz").to_string(),
        "contig 'zzzzzzzzz' is not in the header (6 contigs): give a name from the header (the first is '1')"
    );
    let message = header.unknown_contig(b"scaffold_10").to_string();
    assert!(message.contains("did you mean 'scaffold_100', 'scaffold_101' or 'scaffold_1001'?)"), "{message}");
}

#[test]
fn many_contigs_take_linear_time() {
    let names: Vec<Vec<u8>> = (0..120_000).map(|i| format!("contig_{i}").into_bytes()).collect();
    let contigs: Vec<(&[u8], i32)> = names.iter().map(|n| (n.as_slice(), 1000)).collect();
    let lines: Vec<String> = (0..120_000).map(|i| format!("@SQ\tSN:contig_{i}\tLN:1000\n")).collect();
    let text = lines.concat();
    let started = std::time::Instant::now();
    let header = parse(&text, &contigs).unwrap();
    assert!(started.elapsed().as_secs() < 5);
    assert_eq!(header.contig_id(b"contig_119999"), Some(119_999));
}
