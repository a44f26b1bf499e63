// The largest, and the sum, of what the invocations of a row hold, through workgroup memory:
// each has put its own at `slot + thread_column`, and a barrier lies between.
//
// Needs constant COLUMN_THREADS and workgroup memory `memory`.

fn across_begin(thread: u32) {}

fn across_max(own: vec4<f32>, slot: u32) -> vec4<f32> {
    var all = own;
    for (var n = 0u; n < COLUMN_THREADS; n++) {
        all = max(all, memory[slot + n]);
    }
    return all;
}

fn across_sum(own: vec4<f32>, slot: u32) -> vec4<f32> {
    var all = vec4<f32>();
    for (var n = 0u; n < COLUMN_THREADS; n++) {
        all += memory[slot + n];
    }
    return all;
}
