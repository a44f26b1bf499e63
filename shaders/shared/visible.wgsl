// Whether row `query` sees row `key` of the same sequence: `|query - key| <= half_window`.
// Global layers have the largest `half_window` there is.
fn visible(query: u32, key: u32, half_window: u32) -> bool {
    return max(query, key) - min(query, key) <= half_window;
}
