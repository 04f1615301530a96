//! Files: opening them, knowing what they are, and reading frames, records, indexes and references out of them.

pub mod record;
