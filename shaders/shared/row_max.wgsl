// The largest of one number of every invocation of a workgroup, for all of them.
//
// Needs the constant THREADS, a power of two.

var<workgroup> candidates: array<f32, THREADS>;

fn workgroup_max(thread: u32, value: f32) -> f32 {
    candidates[thread] = value;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if thread < half {
            candidates[thread] = max(candidates[thread], candidates[thread + half]);
        }
        workgroupBarrier();
    }
    let largest = candidates[0];
    // The next may be written only when all have read this one.
    workgroupBarrier();
    return largest;
}
