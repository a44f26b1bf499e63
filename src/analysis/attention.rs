//! Gathers attention over tokens into attention over units such as words or sections.

/// For each token the unit it belongs to; `None` for tokens of no unit.
pub struct Groups {
    of_token: Vec<Option<usize>>,
    sizes: Vec<usize>,
}

impl Groups {
    /// Units numbered from 0 to below `units`.
    ///
    /// # Panics
    /// If a token belongs to a unit that there is not.
    pub fn new(of_token: Vec<Option<usize>>, units: usize) -> Self {
        let mut sizes = vec![0; units];
        of_token.iter().flatten().for_each(|&unit| sizes[unit] += 1);
        Self { of_token, sizes }
    }

    /// Number of units.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether there is no unit.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// Tokens of each unit.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The unit of a token.
    pub fn unit(&self, token: usize) -> Option<usize> {
        self.of_token[token]
    }

    /// Sums of the values of each unit's tokens, and the sum over tokens of no unit: together they are
    /// the sum over all tokens.
    ///
    /// # Panics
    /// If there is not one value for each token.
    pub fn sums(&self, values: &[f64]) -> (Vec<f64>, f64) {
        assert_eq!(
            values.len(),
            self.of_token.len(),
            "sums: one value for each token"
        );
        let mut sums = vec![0.0; self.len()];
        let mut outside = 0.0;
        for (value, unit) in values.iter().zip(&self.of_token) {
            match unit {
                Some(unit) => sums[*unit] += value,
                None => outside += value,
            }
        }
        (sums, outside)
    }
}

/// Attention from units to units, built row by row of tokens.
pub struct Flow {
    /// `[units, units + 1]`: the last column is what goes to tokens of no unit.
    sums: Vec<f64>,
    /// Tokens of each unit that were added.
    tokens: Vec<usize>,
}

impl Flow {
    /// Nothing yet, between units numbered from 0 to below `units`.
    pub fn new(units: usize) -> Self {
        Self {
            sums: vec![0.0; units * (units + 1)],
            tokens: vec![0; units],
        }
    }

    /// Adds what a token of `unit` looks at, one value for each token of `groups`.
    ///
    /// # Panics
    /// If there are other units in `groups`, or there is not one value for each of its tokens.
    pub fn add(&mut self, unit: usize, looks_at: &[f32], groups: &Groups) {
        let units = self.tokens.len();
        assert_eq!(groups.len(), units, "flow: the same units");
        assert_eq!(
            looks_at.len(),
            groups.of_token.len(),
            "flow: one value for each token"
        );
        self.tokens[unit] += 1;
        let row = &mut self.sums[unit * (units + 1)..][..units + 1];
        for (value, target) in looks_at.iter().zip(&groups.of_token) {
            row[target.unwrap_or(units)] += f64::from(*value);
        }
    }

    /// How much of what a unit's tokens look at lies in each unit, `[units, units]` row-major: means
    /// over the tokens that look, sums over those looked at. Beside it what goes to no unit, `[units]`:
    /// with it each row sums to 1. A unit without tokens has zeros.
    pub fn finish(self) -> (Vec<f32>, Vec<f32>) {
        let units = self.tokens.len();
        let (mut flow, mut outside) = (Vec::with_capacity(units * units), Vec::new());
        for (row, &tokens) in self.sums.chunks(units + 1).zip(&self.tokens) {
            let mean = |value: &f64| (value / tokens.max(1) as f64) as f32;
            flow.extend(row[..units].iter().map(mean));
            outside.push(mean(&row[units]));
        }
        (flow, outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_over_units_are_sums_over_tokens() {
        let groups = Groups::new(vec![None, Some(0), Some(0), Some(2), None], 3);
        let (sums, outside) = groups.sums(&[0.5, 0.125, 0.25, 0.0625, 0.0625]);
        assert_eq!(
            (sums.as_slice(), outside),
            (&[0.375, 0.0, 0.0625][..], 0.5625)
        );
        assert_eq!(groups.sizes(), [2, 0, 1]);
    }

    #[test]
    fn flow_is_a_mean_over_those_who_look() {
        let groups = Groups::new(vec![None, Some(0), Some(0), Some(1)], 2);
        let mut flow = Flow::new(2);
        flow.add(0, &[0.5, 0.25, 0.0, 0.25], &groups);
        flow.add(0, &[0.0, 0.0, 1.0, 0.0], &groups);
        // The same units, of which this token sees others.
        let elsewhere = Groups::new(vec![Some(1), None], 2);
        flow.add(1, &[0.75, 0.25], &elsewhere);
        let (matrix, outside) = flow.finish();
        assert_eq!(matrix, [0.625, 0.125, 0.0, 0.75]);
        assert_eq!(outside, [0.25, 0.25]);
    }
}
