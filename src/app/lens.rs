//! How attention is looked at: which layers and heads, which way, over what.

use crate::engine::{
    AttentionQuery, AttentionResult, Direction, HeadChoice, HeadPlace, LayerChoice, ModelInfo,
    ReadingOptions, Reduction, Selection, Unit,
};

/// How attention is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Lens {
    /// Which layers.
    pub layers: LayerChoice,
    /// Which heads of them.
    pub heads: HeadChoice,
    /// How they become one value.
    pub reduction: Reduction,
    /// Which way.
    pub direction: Direction,
    /// What tokens are gathered into.
    pub unit: Unit,
    /// Whether tokens without a letter or digit are left out.
    pub hide_sinks: bool,
    /// Whether attention is followed through all layers.
    pub rollout: bool,
}

impl Default for Lens {
    fn default() -> Self {
        Self {
            layers: LayerChoice::Global,
            heads: HeadChoice::All,
            reduction: Reduction::Mean,
            direction: Direction::LooksAt,
            unit: Unit::Word,
            hide_sinks: true,
            rollout: false,
        }
    }
}

impl Lens {
    /// The question that it asks of some bytes of a note.
    pub fn query(&self, bytes: std::ops::Range<usize>, reading: ReadingOptions) -> AttentionQuery {
        AttentionQuery {
            selection: Selection::Bytes(bytes),
            direction: self.direction,
            layers: self.layers.clone(),
            heads: self.heads.clone(),
            reduction: self.reduction,
            unit: self.unit,
            hide_sinks: self.hide_sinks,
            rollout: self.rollout,
            reading,
        }
    }

    /// With the next layer alone, or for -1 the one before; from several the first, or the last.
    pub fn step_layer(&mut self, by: isize, model: &ModelInfo) {
        let now = match &self.layers {
            LayerChoice::Only(own) if own.len() == 1 => own.first().copied(),
            _ => None,
        };
        self.rollout = false;
        self.layers = LayerChoice::Only(vec![stepped(now, by, model.layers)]);
    }

    /// The same of heads.
    pub fn step_head(&mut self, by: isize, model: &ModelInfo) {
        let now = match &self.heads {
            HeadChoice::Only(own) if own.len() == 1 => own.first().copied(),
            _ => None,
        };
        self.rollout = false;
        self.heads = HeadChoice::Only(vec![stepped(now, by, model.heads)]);
    }

    /// The head that is looked at, or the first of several.
    pub fn head(&self, model: &ModelInfo) -> HeadPlace {
        let first = |local: bool| model.local.iter().position(|own| *own == local);
        let layer = match &self.layers {
            LayerChoice::All => None,
            LayerChoice::Global => first(false),
            LayerChoice::Local => first(true),
            LayerChoice::Only(own) => own.first().copied(),
        };
        let head = match &self.heads {
            HeadChoice::All => None,
            HeadChoice::Only(own) => own.first().copied(),
        };
        HeadPlace {
            layer: layer.unwrap_or(0).min(model.layers.saturating_sub(1)),
            head: head.unwrap_or(0).min(model.heads.saturating_sub(1)),
        }
    }

    /// Looks at nothing that this model does not have.
    pub fn fit(&mut self, model: &ModelInfo) {
        if let LayerChoice::Only(own) = &self.layers
            && own.iter().any(|own| *own >= model.layers)
        {
            self.layers = Self::default().layers;
        }
        if let HeadChoice::Only(own) = &self.heads
            && own.iter().any(|own| *own >= model.heads)
        {
            self.heads = HeadChoice::All;
        }
    }

    /// Whether it looks at one head of one layer alone.
    pub fn is_single(&self) -> bool {
        let one = |own: &[usize]| own.len() == 1;
        matches!((&self.layers, &self.heads), (LayerChoice::Only(layers), HeadChoice::Only(heads))
            if one(layers) && one(heads) && !self.rollout)
    }

    /// The other way.
    pub fn turn(&mut self) {
        self.direction = match self.direction {
            Direction::LooksAt => Direction::LookedAtBy,
            Direction::LookedAtBy => Direction::LooksAt,
        };
    }

    /// The lens with which a result was made, which may be an earlier one.
    pub fn of(found: &AttentionResult, model: &ModelInfo) -> Self {
        let kind = |wanted: bool| -> Vec<usize> {
            (0..model.layers)
                .filter(|own| model.local[*own] == wanted)
                .collect()
        };
        let layers = match &found.layers {
            own if own.len() == model.layers => LayerChoice::All,
            own if *own == kind(false) => LayerChoice::Global,
            own if *own == kind(true) => LayerChoice::Local,
            own => LayerChoice::Only(own.clone()),
        };
        let heads = match &found.heads {
            own if own.len() == model.heads => HeadChoice::All,
            own => HeadChoice::Only(own.clone()),
        };
        Self {
            layers,
            heads,
            reduction: found.reduction.unwrap_or(Reduction::Mean),
            direction: found.direction,
            unit: found.unit,
            hide_sinks: found.hidden.is_some(),
            rollout: found.reduction.is_none(),
        }
    }

    /// What it is, in words, counted from 1 as people do.
    pub fn words(&self, model: &ModelInfo) -> String {
        if self.rollout {
            return "rollout through all layers".to_owned();
        }
        let numbers = |own: &[usize]| {
            let own: Vec<String> = own.iter().map(|own| (own + 1).to_string()).collect();
            own.join(", ")
        };
        let layers = match &self.layers {
            LayerChoice::All => "all layers".to_owned(),
            LayerChoice::Global => "the global layers".to_owned(),
            LayerChoice::Local => "the local layers".to_owned(),
            LayerChoice::Only(own) if own.len() == 1 => format!("layer {}", numbers(own)),
            LayerChoice::Only(own) => format!("layers {}", numbers(own)),
        };
        let heads = match &self.heads {
            HeadChoice::All => "all heads".to_owned(),
            HeadChoice::Only(own) if own.len() == 1 => format!("head {}", numbers(own)),
            HeadChoice::Only(own) => format!("heads {}", numbers(own)),
        };
        let single = matches!(&self.heads, HeadChoice::Only(own) if own.len() == 1)
            && (matches!(&self.layers, LayerChoice::Only(own) if own.len() == 1)
                || model.layers == 1);
        match (single, self.reduction) {
            (true, _) => format!("{layers}, {heads}"),
            (false, Reduction::Mean) => format!("mean of {layers}, {heads}"),
            (false, Reduction::Max) => format!("largest of {layers}, {heads}"),
        }
    }
}

fn stepped(now: Option<usize>, by: isize, count: usize) -> usize {
    match now {
        None if by > 0 => 0,
        None => count.saturating_sub(1),
        Some(now) => (now as isize + by).rem_euclid(count.max(1) as isize) as usize,
    }
}

/// Puts a number into a list, or takes it out; an empty list stays as it was.
pub fn toggled(list: &[usize], number: usize) -> Vec<usize> {
    let mut own = list.to_vec();
    match own.binary_search(&number) {
        Ok(_) if own.len() == 1 => {}
        Ok(place) => {
            own.remove(place);
        }
        Err(place) => own.insert(place, number),
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_round_and_lists_are_never_empty() {
        assert_eq!(stepped(None, 1, 4), 0);
        assert_eq!(stepped(None, -1, 4), 3);
        assert_eq!(stepped(Some(3), 1, 4), 0);
        assert_eq!(stepped(Some(0), -1, 4), 3);
        assert_eq!(toggled(&[1, 4], 2), [1, 2, 4]);
        assert_eq!(toggled(&[1, 2, 4], 2), [1, 4]);
        assert_eq!(toggled(&[1], 1), [1]);
    }
}
