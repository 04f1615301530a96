//! Columns of counts, each as narrow as its largest number allows.
//!
//! A genome has millions of windows and most of their numbers are small, so a column begins with a byte a row and widens when a number
//! asks for it.

use std::ops::Range;

/// Numbers of 0 or more, one a row.
#[derive(Clone, Debug)]
pub enum Narrow {
    /// Up to 255.
    U8(Vec<u8>),
    /// Up to 65,535.
    U16(Vec<u16>),
    /// Up to 32 bits.
    U32(Vec<u32>),
    /// Up to 64 bits.
    U64(Vec<u64>),
    /// More.
    U128(Vec<u128>),
}

impl Default for Narrow {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl Narrow {
    /// So many rows of 0. They take no memory before they are written.
    pub fn zeros(rows: usize) -> Self {
        Self::U8(vec![0; rows])
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(column) => column.len(),
            Self::U16(column) => column.len(),
            Self::U32(column) => column.len(),
            Self::U64(column) => column.len(),
            Self::U128(column) => column.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of row `i`.
    pub fn get(&self, i: usize) -> u128 {
        match self {
            Self::U8(column) => column[i].into(),
            Self::U16(column) => column[i].into(),
            Self::U32(column) => column[i].into(),
            Self::U64(column) => column[i].into(),
            Self::U128(column) => column[i],
        }
    }

    /// The number of row `i`, where it is known to fit 64 bits.
    pub fn get_u64(&self, i: usize) -> u64 {
        self.get(i) as u64
    }

    /// Makes `value` the number of all `rows`.
    pub fn fill(&mut self, rows: Range<usize>, value: u128) {
        while !self.filled(rows.clone(), value) {
            self.widen();
        }
    }

    fn filled(&mut self, rows: Range<usize>, value: u128) -> bool {
        fn fill<T: Copy + TryFrom<u128>>(column: &mut [T], value: u128) -> bool {
            T::try_from(value).map(|value| column.fill(value)).is_ok()
        }
        match self {
            Self::U8(column) => fill(&mut column[rows], value),
            Self::U16(column) => fill(&mut column[rows], value),
            Self::U32(column) => fill(&mut column[rows], value),
            Self::U64(column) => fill(&mut column[rows], value),
            Self::U128(column) => fill(&mut column[rows], value),
        }
    }

    fn widen(&mut self) {
        *self = match self {
            Self::U8(column) => Self::U16(column.iter().map(|&n| n.into()).collect()),
            Self::U16(column) => Self::U32(column.iter().map(|&n| n.into()).collect()),
            Self::U32(column) => Self::U64(column.iter().map(|&n| n.into()).collect()),
            Self::U64(column) => Self::U128(column.iter().map(|&n| n.into()).collect()),
            Self::U128(column) => Self::U128(std::mem::take(column)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_holds_what_is_written_and_is_as_narrow_as_it_can_be() {
        let mut column = Narrow::zeros(6);
        let mut wanted = [0u128; 6];
        for (rows, value, width) in
            [(1..3, 255, 8), (2..2, 7, 8), (0..1, 256, 16), (5..6, 65_536, 32), (4..5, 3, 32), (1..2, 1 << 40, 64), (3..4, 1 << 90, 128)]
        {
            column.fill(rows.clone(), value);
            wanted[rows].fill(value);
            assert_eq!((0..column.len()).map(|i| column.get(i)).collect::<Vec<_>>(), wanted);
            let bits = match column {
                Narrow::U8(_) => 8,
                Narrow::U16(_) => 16,
                Narrow::U32(_) => 32,
                Narrow::U64(_) => 64,
                Narrow::U128(_) => 128,
            };
            assert_eq!(bits, width, "{value}");
        }
        assert!(Narrow::default().is_empty() && column.get_u64(1) == 1 << 40);
    }
}
