/* SPDX-License-Identifier: Apache-2.0 */
/* An entry, what.asked, claims, an outcome, a line each: decided by a package, judged and told. */
#include "fuzz_replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct cedar_bench *bench;
        struct replayed r = { .arena = ARENA_INIT(1 << 24) };
        struct package *p = fuzz_replay_package(&bench);
        struct span line[4] = { SPAN_NONE };
        struct view v;

        fuzz_replay_cut(span_of(data, size), line);
        view_init(&v);
        if (view_open(&v, 1, line[0], NULL) == 0 &&
            replay_read_call(&r, &v, p->file.sha256, NULL) == 0) {
                fuzz_replay_unseal(&r, line[1], line[2]);
                if (replay_decide(p, bench, &r.call, &r.arena, &r.result, NULL) == 0)
                        fuzz_replay_show(p, &v, line[3], &r);
        }
        view_done(&v);
        arena_done(&r.arena);
        return 0;
}
