//! From probabilities to qualities and back, with the same answer on every platform.
//!
//! The reference implementation takes a logarithm per base. Which integer comes out depends on its argument only through one hundred
//! thresholds, so these are stored: no logarithm is taken, and no platform's mathematical library has a say in a count.

/// A match where read and reference differ gets this share of the error probability; eleven digits, as in the reference
/// implementation.
const MISMATCH_SHARE: f64 = 0.333_333_333_33;

/// Bins an octave is cut into. A bin is then narrower than one quality step, so that it holds at most one threshold.
const BINS_PER_OCTAVE_LOG2: u32 = 3;
/// Mantissa bits a bin leaves out.
const BIN_SHIFT: u32 = 52 - BINS_PER_OCTAVE_LOG2;
/// The smallest error that 1 - posterior can give above zero is 2^-53; anything smaller shares bin 0.
const LOWEST: u64 = ((1023 - 54) as u64) << BINS_PER_OCTAVE_LOG2;
/// Bins up to and including the one of 1.0.
const BINS: usize = (54 << BINS_PER_OCTAVE_LOG2) + 1;

/// Lookup tables of both directions.
pub(super) struct Tables {
    /// Emission of an equal base, by quality.
    pub(super) hit: [f64; 256],
    /// Emission of a different base, by quality.
    pub(super) miss: [f64; 256],
    /// Quality of the largest error in the bin.
    base: [u8; BINS],
    /// Errors of the bin up to this one have one quality more.
    step: [f64; BINS],
}

impl Default for Tables {
    fn default() -> Self {
        let mut tables = Self { hit: [0.0; 256], miss: [0.0; 256], base: [0; BINS], step: [0.0; BINS] };
        for (quality, (hit, miss)) in tables.hit.iter_mut().zip(&mut tables.miss).enumerate() {
            let error = f64::from(error_probability(quality));
            (*hit, *miss) = (1.0 - error, error * MISMATCH_SHARE);
        }
        for bin in 0..BINS {
            let first = (LOWEST + bin as u64) << BIN_SHIFT;
            let last = first + (1 << BIN_SHIFT) - 1;
            let base = THRESHOLDS.partition_point(|&t| t >= last);
            tables.base[bin] = base as u8;
            tables.step[bin] = match THRESHOLDS.get(base) {
                Some(&threshold) if threshold >= first => f64::from_bits(threshold),
                _ => 0.0,
            };
        }
        tables
    }
}

impl Tables {
    /// The quality of an error probability, `trunc(-4.343 ln(error) + 0.499)`.
    ///
    /// 0 for an error that is not above zero or not a number: the reference implementation converts an infinite double to an
    /// integer there and ends up with 0, so a base that is certain beyond double precision counts as worthless.
    #[inline]
    pub(super) fn quality(&self, error: f64) -> u8 {
        if !(error > 0.0 && error <= 1.0) {
            return 0;
        }
        let bin = ((error.to_bits() >> BIN_SHIFT).saturating_sub(LOWEST) as usize).min(BINS - 1);
        let quality = self.base[bin] + u8::from(error <= self.step[bin]);
        // 100 is shown as it is, everything above as 99.
        if quality > 100 { 99 } else { quality }
    }
}

/// The largest error of an adjusted quality from 1 to 101.
pub(super) const fn largest_error(quality: u8) -> f64 {
    f64::from_bits(THRESHOLDS[quality as usize - 1])
}

/// The probability that a base of this quality is wrong. Kept in single precision, as the reference implementation keeps it; the
/// rounding to single hides the last digits of `powf`, the only part of it in which platforms differ.
fn error_probability(quality: usize) -> f32 {
    10f64.powf(-(quality as f64) / 10.0) as f32
}

/// Bit patterns of the largest errors that have quality 1, 2, ... 101; in between the quality does not change.
#[rustfmt::skip]
const THRESHOLDS: [u64; 101] = [
    0x3fec_8375_1a31_d2d8, 0x3fe6_a62e_9e05_7c10, 0x3fe1_fdac_5880_69ca, 0x3fdc_94da_9de7_2ce8, 0x3fd6_b400_2e0f_4727,
    0x3fd2_08a6_56fe_c3a1, 0x3fcc_a64a_bec5_667e, 0x3fc6_c1da_2c6b_bf2a, 0x3fc2_13a7_07e9_1d83, 0x3fbc_b7c5_8346_47d3,
    0x3fb6_cfbc_9e3f_b7d4, 0x3fb2_1eae_6f55_765f, 0x3fac_c94a_f1e7_8c90, 0x3fa6_dda7_88b3_283c, 0x3fa2_29bc_915c_4b5a,
    0x3f9c_dadb_112a_e636, 0x3f96_eb9a_f0f1_2cde, 0x3f92_34d1_7218_9948, 0x3f8c_ec75_e795_fe8a, 0x3f86_f996_dc28_096d,
    0x3f82_3fed_15a7_de36, 0x3f7c_fe1b_7bb2_7a01, 0x3f77_079b_4f89_2ac9, 0x3f72_4b0f_802a_1af5, 0x3f6d_0fcb_d40d_fa32,
    0x3f67_15a8_5049_28f6, 0x3f62_5638_b5c1_d4a2, 0x3f5d_2186_f73a_2044, 0x3f57_23bd_e39f_c8f0, 0x3f52_6168_ba94_161c,
    0x3f4d_334c_ebcc_8f45, 0x3f47_31dc_0ec7_feba, 0x3f42_6c9f_92c8_71b9, 0x3f3d_451d_b85e_eed9, 0x3f37_4002_d6ff_ef4c,
    0x3f32_77dd_4289_0293, 0x3f2d_56f9_638e_ed4e, 0x3f27_4e32_4188_f256, 0x3f22_8321_ce02_6e4b, 0x3f1d_68df_f3fe_4287,
    0x3f17_5c6a_53a7_947d, 0x3f12_8e6d_3963_e68f, 0x3f0d_7ad1_7052_b20e, 0x3f07_6aab_12a3_990e, 0x3f02_99bf_88df_2a82,
    0x3efd_8ccd_df36_0db0, 0x3ef7_78f4_83c7_fc3b, 0x3ef2_a518_c0a8_8863, 0x3eed_9ed5_4756_3823, 0x3ee7_8746_ac62_f4c1,
    0x3ee2_b078_e4f6_df39, 0x3edd_b0e7_af65_272c, 0x3ed7_95a1_91c5_f60b, 0x3ed2_bbdf_fa03_a02c, 0x3ecd_c305_1e18_e64a,
    0x3ec7_a405_3945_b24c, 0x3ec2_c74e_040a_d030, 0x3ebd_d52d_9a2b_9958, 0x3eb7_b271_a83a_1c31, 0x3eb2_d2c3_074b_09b9,
    0x3ead_e761_2a5b_7ebc, 0x3ea7_c0e6_e3fe_6904, 0x3ea2_de3f_0805_7e0f, 0x3e9d_f99f_d56a_f213, 0x3e97_cf64_f1f1_12be,
    0x3e92_e9c2_0a7d_f706, 0x3e8e_0be9_a220_6eda, 0x3e87_ddeb_d773_d9f0, 0x3e82_f54c_12fa_d8aa, 0x3e7e_1e3e_9746_928b,
    0x3e77_ec7b_99eb_c7a4, 0x3e73_00dd_25c5_229d, 0x3e6e_309e_bbac_1fc2, 0x3e67_fb14_3ec1_2f8d, 0x3e63_0c75_4728_71d8,
    0x3e5e_430a_1623_ffe4, 0x3e58_09b5_cb5f_b214, 0x3e53_1814_7b73_0253, 0x3e4e_5580_ad85_4688, 0x3e48_1860_4536_3df3,
    0x3e43_23ba_c6f5_b043, 0x3e3e_6802_88ab_33a5, 0x3e38_2713_b1b7_12cd, 0x3e33_2f68_2e03_fa2f, 0x3e2e_7a8f_ae75_35bb,
    0x3e28_35d0_1657_c2ec, 0x3e23_3b1c_b4f4_0253, 0x3e1e_8d28_25c6_ed1c, 0x3e18_4495_7891_34fe, 0x3e13_46d8_601e_8ffd,
    0x3e0e_9fcb_f588_2e1f, 0x3e08_5363_dddf_a6b4, 0x3e03_529b_33df_11a4, 0x3dfe_b27b_24a5_0351, 0x3df8_623b_4bc2_ae7a,
    0x3df3_5e65_3493_9e4a, 0x3dee_c535_ba0d_b0c5, 0x3de8_711b_c7bd_3d41, 0x3de3_6a36_669c_f6e0, 0x3dde_d7fb_bcb6_b646,
    0x3dd8_8005_5755_a119,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn formula(error: f64) -> u8 {
        let value = -4.343 * error.ln() + 0.499;
        if !value.is_finite() {
            return 0;
        }
        let quality = value as i32;
        if quality > 100 { 99 } else { quality as u8 }
    }

    #[test]
    fn table_follows_the_formula_around_every_threshold() {
        let tables = Tables::default();
        for bits in THRESHOLDS {
            for near in bits - 40..bits + 40 {
                let error = f64::from_bits(near);
                assert_eq!(tables.quality(error), formula(error), "{error:e}");
            }
        }
        assert!(THRESHOLDS.is_sorted_by(|a, b| a > b));
    }

    #[test]
    fn table_follows_the_formula_in_every_bin() {
        let tables = Tables::default();
        let mut error = 1.0f64;
        while error > 1e-17 {
            assert_eq!(tables.quality(error), formula(error), "{error:e}");
            error *= 0.9991;
        }
    }

    #[test]
    fn certainty_and_nonsense_are_zero() {
        let tables = Tables::default();
        for error in [0.0, -0.0, -1e-16, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0, 1.5] {
            assert_eq!(tables.quality(error), 0, "{error}");
        }
    }

    #[test]
    fn last_digits_of_powf_do_not_matter() {
        for quality in 0..256u32 {
            let exact = 10f64.powf(-f64::from(quality) / 10.0);
            for ulps in 0..8 {
                assert_eq!((f64::from_bits(exact.to_bits() - ulps) as f32).to_bits(), (exact as f32).to_bits());
                assert_eq!((f64::from_bits(exact.to_bits() + ulps) as f32).to_bits(), (exact as f32).to_bits());
            }
        }
    }
}
