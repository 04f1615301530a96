//! What is asked of the model about a read.

/// The rows of a read whose qualities are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// All, exactly.
    Every,
    /// From each end to the first row that is allowed [`super::SETTLED_QUALITY`]; between the two, every row is.
    BothEnds,
    /// From the left end to the first such row: at the right end it is the last row.
    LeftEnd,
    /// From the right end to the first such row: at the left end it is the first row.
    RightEnd,
}

impl Need {
    /// What is left to ask when it is known which of the ends need not be looked at; `None`: nothing.
    pub(super) const fn unless(left: bool, right: bool) -> Option<Self> {
        match (left, right) {
            (true, true) => None,
            (true, false) => Some(Self::RightEnd),
            (false, true) => Some(Self::LeftEnd),
            (false, false) => Some(Self::BothEnds),
        }
    }

    /// Whether rows at the left end are needed.
    pub(super) const fn left(self) -> bool {
        !matches!(self, Self::RightEnd)
    }

    /// Whether rows at the right end are needed.
    pub(super) const fn right(self) -> bool {
        !matches!(self, Self::LeftEnd)
    }
}
