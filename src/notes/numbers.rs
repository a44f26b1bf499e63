//! Numbers for names, so that what repeats is held once.

use std::collections::HashMap;

/// Numbers for names, in the order in which they are met.
#[derive(Debug, Default)]
pub struct Numbers {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Numbers {
    /// The number of a name.
    pub fn of(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The names; the place of each is its number.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}
