//! xorshift128+: the same reads on every machine.

/// A generator of random numbers.
pub struct Rng(u64, u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        let mut rng = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, seed ^ 0xD1B5_4A32_D192_ED03);
        for _ in 0..20 {
            rng.bits();
        }
        rng
    }

    pub fn bits(&mut self) -> u64 {
        let (mut s1, s0) = (self.0, self.1);
        let sum = s0.wrapping_add(s1);
        s1 ^= s1 << 23;
        (self.0, self.1) = (s0, s1 ^ s0 ^ (s1 >> 18) ^ (s0 >> 5));
        sum
    }

    /// From 0 to 1, 1 not included.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to `n`, `n` not included.
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.bits() >> 32) * n) >> 32
    }

    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Normal, mean 0, standard deviation 1.
    #[expect(clippy::approx_constant, reason = "with more digits of 2 pi, other reads come out and kept answers are no longer theirs")]
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().max(1e-12).ln()).sqrt();
        radius * (6.283_185_307 * self.unit()).cos()
    }

    pub fn letter(&mut self) -> u8 {
        b"ACGT"[self.below(4) as usize]
    }
}
