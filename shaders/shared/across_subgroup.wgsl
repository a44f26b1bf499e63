// The same as across_memory.wgsl by subgroup operations where the invocations of a row are
// neighbours in a subgroup. No language promises that, nor the size of a subgroup: each invocation
// looks once, and takes the numbers from workgroup memory if it is otherwise.
//
// Needs constant COLUMN_THREADS, a power of two, and workgroup memory `memory`. Every invocation
// calls these together.

var<private> neighbours: bool;

fn across_begin(thread: u32) {
    neighbours = true;
    for (var mask = 1u; mask < COLUMN_THREADS; mask++) {
        let other = subgroupShuffleXor(thread, mask);
        neighbours &= other == (thread ^ mask);
    }
}

fn across_max(own: vec4<f32>, slot: u32) -> vec4<f32> {
    var all = own;
    for (var mask = 1u; mask < COLUMN_THREADS; mask *= 2u) {
        all = max(all, subgroupShuffleXor(all, mask));
    }
    if !neighbours {
        all = own;
        for (var n = 0u; n < COLUMN_THREADS; n++) {
            all = max(all, memory[slot + n]);
        }
    }
    return all;
}

fn across_sum(own: vec4<f32>, slot: u32) -> vec4<f32> {
    var all = own;
    for (var mask = 1u; mask < COLUMN_THREADS; mask *= 2u) {
        all += subgroupShuffleXor(all, mask);
    }
    if !neighbours {
        all = vec4<f32>();
        for (var n = 0u; n < COLUMN_THREADS; n++) {
            all += memory[slot + n];
        }
    }
    return all;
}
