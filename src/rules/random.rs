//! Random numbers that repeat: the same seed, session and rule give the same ones.

/// A generator of its own for one rule in one session (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// What `seed` comes to for this session and rule.
    pub(super) fn new(seed: u64, session: u32, rule: &str) -> Random {
        // FNV-1a, for a start that differs with the name.
        let name = rule.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Random(seed ^ name.rotate_left(17) ^ (u64::from(session) << 32));
        random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0, and less than 1.
    pub(super) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0, and less than `limit`; 0 where that is 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        ((self.fraction() * limit as f64) as u64).min(limit.saturating_sub(1))
    }

    /// Of a normal distribution with mean 0 and deviation 1 (Box and Muller).
    pub(super) fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.fraction(), self.fraction());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// Of an exponential distribution with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -(1.0 - self.fraction()).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_session_and_rule_give_the_same_numbers() {
        let numbers = |seed, session, rule| {
            let mut random = Random::new(seed, session, rule);
            [random.next(), random.next(), random.next()]
        };
        assert_eq!(numbers(1, 2, "slow"), numbers(1, 2, "slow"));
        for other in [numbers(2, 2, "slow"), numbers(1, 3, "slow"), numbers(1, 2, "slower")] {
            assert_ne!(numbers(1, 2, "slow"), other);
        }
    }

    #[test]
    fn distributions_have_their_means() {
        let mut random = Random::new(1, 1, "x");
        let mut mean =
            |draw: fn(&mut Random) -> f64| (0..10_000).map(|_| draw(&mut random)).sum::<f64>() / 1e4;
        assert!((mean(Random::fraction) - 0.5).abs() < 0.02);
        assert!(mean(Random::normal).abs() < 0.04);
        assert!((mean(Random::exponential) - 1.0).abs() < 0.04);
        assert!((0..1000).all(|_| random.below(3) < 3) && random.below(0) == 0);
    }
}
