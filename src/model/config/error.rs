//! Says why a `config.json` describes no supported model.

use std::path::PathBuf;

use super::file::FileFault;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The folder is not there, or is a file.
    #[error("{}: no such folder; name the folder that holds config.json and the weights", .0.display())]
    NoFolder(PathBuf),
    /// The folder has no `config.json`.
    #[error("{}: no config.json in this folder; it belongs to the weights, fetch it too", .0.display())]
    NoConfig(PathBuf),
    /// The file gives no text.
    #[error("{}: {fault}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: FileFault,
    },
    /// The text is not JSON, or not an object.
    #[error("{}: is not a JSON object: {reason}", file.display())]
    NotJson {
        /// The file.
        file: PathBuf,
        /// What the parser met, with line and column.
        reason: String,
    },
    /// A value that no model can have.
    #[error("{}: {key} is {value}, but {rule}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// The key, with dots between nested ones.
        key: String,
        /// The value as JSON, or `missing`.
        value: String,
        /// What it breaks.
        rule: String,
    },
    /// Sizes that are possible one by one, not together.
    #[error(
        "{}: hidden_size, intermediate_size, num_hidden_layers, vocab_size, \
         max_position_embeddings and the number of labels make about {parameters:.0e} parameters; \
         more than 1e12 are taken for a slip", file.display()
    )]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// About how many parameters the model would have.
        parameters: f64,
    },
    /// Another kind of model.
    #[error(
        "{}: model_type is {found}; supported are \"modernbert\" and \"bert\"", file.display()
    )]
    UnknownModelType {
        /// The file.
        file: PathBuf,
        /// The value as JSON.
        found: String,
    },
    /// No `model_type`, and no tensor names that tell.
    #[error(
        "{}: model_type is missing, and the names of the tensors do not tell; \
         add \"model_type\": \"modernbert\" or \"bert\"", file.display()
    )]
    NoModelType {
        /// The file.
        file: PathBuf,
    },
}
