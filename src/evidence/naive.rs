//! The slow twin: each rule of `docs/semantics.md` read one record at a time, into maps.

use std::collections::BTreeMap;

use crate::source::record::{OpKind, Record};

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Passed and failed by category, for categories that have records.
    pub flags: BTreeMap<&'static str, [u64; 2]>,
    /// Inward, outward and other reads by insert size.
    pub inserts: BTreeMap<u64, [u64; 3]>,
    pub lengths: BTreeMap<u64, u64>,
    pub mapq: BTreeMap<u8, u64>,
    pub base_quality: BTreeMap<u8, u64>,
}

impl Tables {
    /// The tables of `records`.
    pub fn of<'a>(records: impl IntoIterator<Item = Record<'a>>, max_insert: u64) -> Self {
        let mut tables = Self::default();
        for record in records {
            tables.flagstat(record);
            tables.stats(record, max_insert);
        }
        for reads in tables.inserts.values_mut() {
            *reads = reads.map(|reads| reads / 2);
        }
        tables.inserts.retain(|_, pairs| *pairs != [0; 3]);
        tables
    }

    fn flagstat(&mut self, record: Record<'_>) {
        let has = |flag| record.flags() & flag != 0;
        let failed = usize::from(has(0x200));
        let mut count = |category, belongs| {
            if belongs {
                self.flags.entry(category).or_default()[failed] += 1;
            }
        };
        let primary = !has(0x100) && !has(0x800);
        let paired = primary && has(0x1);
        let elsewhere = paired && !has(0x4) && !has(0x8) && record.contig_id() != record.mate_contig_id();
        count("in total", true);
        count("primary", primary);
        count("secondary", has(0x100));
        count("supplementary", !has(0x100) && has(0x800));
        count("duplicates", has(0x400));
        count("primary duplicates", primary && has(0x400));
        count("mapped", !has(0x4));
        count("primary mapped", primary && !has(0x4));
        count("paired in sequencing", paired);
        count("read1", paired && has(0x40));
        count("read2", paired && has(0x80));
        count("properly paired", paired && has(0x2) && !has(0x4));
        count("with itself and mate mapped", paired && !has(0x4) && !has(0x8));
        count("singletons", paired && !has(0x4) && has(0x8));
        count("with mate mapped to a different chr", elsewhere);
        count("with mate mapped to a different chr (mapQ>=5)", elsewhere && record.mapq() >= 5);
    }

    fn stats(&mut self, record: Record<'_>, max_insert: u64) {
        let has = |flag| record.flags() & flag != 0;
        if has(0x100) || record.seq_len() == 0 {
            return;
        }
        if ![0x4, 0x800, 0x200, 0x400].into_iter().any(has) {
            *self.mapq.entry(record.mapq()).or_default() += 1;
        }
        if has(0x800) {
            return;
        }
        let mut length = record.seq_len() as u64;
        for op in record.cigar().iter() {
            if op.kind == OpKind::HardClip {
                length += u64::from(op.len);
            }
        }
        *self.lengths.entry(length).or_default() += 1;
        if !has(0x1) || has(0x40) != has(0x80) {
            for &quality in record.qual() {
                *self.base_quality.entry(quality).or_default() += 1;
            }
        }
        if has(0x1) && !has(0x4) && !has(0x8) {
            self.insert(record, max_insert);
        }
    }

    fn insert(&mut self, record: Record<'_>, max_insert: u64) {
        let has = |flag| record.flags() & flag != 0;
        let mut size = i64::from(record.template_len()).unsigned_abs();
        if max_insert > 0 && size > max_insert {
            size = max_insert;
        }
        let has_size = size > 0 && record.template_len() != i32::MIN;
        if !has_size && record.contig_id() != record.mate_contig_id() {
            return;
        }
        let sign = |negative| if negative { -1 } else { 1 };
        let (read, strand, mate_strand) = (sign(!has(0x40)), sign(has(0x10)), sign(has(0x20)));
        let towards_mate = read * (i64::from(record.mate_pos()) - i64::from(record.pos()));
        let orientation = match (strand * mate_strand > 0, towards_mate, read * strand > 0) {
            (true, ..) => 2,
            (_, 0, _) | (_, 1.., true) | (_, ..0, false) => 0,
            (_, 1.., false) | (_, ..0, true) => 1,
        };
        self.inserts.entry(size).or_default()[orientation] += 1;
    }
}
