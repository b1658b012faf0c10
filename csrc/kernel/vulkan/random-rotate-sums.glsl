// Sums over the threads of a workgroup, in shared memory: subgroups differ in size from device to device, and some have no arithmetic
// for them.

RANDOM_ROTATE_GROUP_SHARED(float, group_sums, 3*256);

// adds up three numbers of each thread, for all of them
void sum_over_group(int32_t thread, RANDOM_ROTATE_ARRAY(float, sums, 3)) {
    barrier(); // the previous sums have been read
    for (int32_t k = 0; k < 3; ++k) {
        group_sums[k*n_threads + thread] = sums[k];
    }
    for (int32_t half_of = n_threads/2; half_of > 0; half_of /= 2) {
        barrier();
        for (int32_t k = 0; k < 3 && thread < half_of; ++k) {
            group_sums[k*n_threads + thread] += group_sums[k*n_threads + thread + half_of];
        }
    }
    barrier();
    for (int32_t k = 0; k < 3; ++k) {
        sums[k] = group_sums[k*n_threads];
    }
}

// the largest number of all threads, for all of them
uint32_t max_over_group(int32_t thread, uint32_t x) {
    barrier();
    group_sums[thread] = random_rotate_as_float(x);
    barrier();
    uint32_t most = 0;
    for (int32_t other = 0; other < n_threads; ++other) {
        const uint32_t bits = random_rotate_as_bits(group_sums[other]);
        most = bits > most ? bits : most;
    }
    return most;
}
