/* SPDX-License-Identifier: Apache-2.0 */
/* apt_probe ASSAY-JOB ETC LISTS SECONDS [sensor] [doubted=PATH] HASH... - the chain of packages as
 * the sensor would see it at that time, one line each, for
 * tests/system/integrity/why/test_apt_chain.py.  With "sensor" from inside the sensor's sandbox;
 * with a path, where somebody has changed this file, and nobody watches any but those below ETC. */
#include "base/text.h"
#include "integrity/why/apt_chain.h"
#include "loop/role.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { WANTED_MAX = 64 };

static int64_t now_s;

static int64_t wall(void *ctx)
{
        return now_s * NS_PER_S;
}

static int64_t mono(void *ctx)
{
        return clock_mono(&sysclock);
}

static void on_result(void *ctx, const struct chain_result *r)
{
        printf("%s %s signature=%s trusted=%d expired=%d package=%s version=%s suite=%s codename=%s "
               "date=%lld valid_until=%lld fingerprint=%s key=%s release=%s why=%s\n",
               chain_status_name(r->status), chain_reason_name(r->reason),
               signature_status_name(r->signature), r->trusted, r->expired, r->package, r->version,
               r->suite, r->codename, (long long)r->date, (long long)r->valid_until, r->fingerprint,
               r->key, r->release, r->why);
}

static enum apt_standing standing(void *ctx, const char *path)
{
        const char *const *paths = ctx; /* doubted, ETC */

        if (strcmp(path, paths[0]) == 0)
                return APT_DOUBTED;
        return strncmp(path, paths[1], strlen(paths[1])) == 0 ? APT_STANDS : APT_UNWATCHED;
}

static void on_end(void *ctx)
{
        loop_stop(ctx, 0);
}

int main(int argc, char **argv)
{
        static uint8_t wanted[WANTED_MAX][CHAIN_HASH];
        static const struct role_paths none = { 0 };
        struct clock clock = { .wall_ns = wall, .mono_ns = mono };
        struct chain_spec spec = { .clock = &clock, .timeout_ns = 60 * NS_PER_S, .wanted = wanted };
        CLEANUP(loop_freep) struct loop *l = NULL;
        const char *paths[2] = { NULL, argv[argc > 2 ? 2 : 0] };
        struct sandbox_state st;
        struct err err = { 0 };
        struct chain *c;
        uint64_t s = 0;

        if (argc < 5 || text_to_u64(span_str(argv[4]), &s) < 0)
                return 2;
        now_s = (int64_t)s;
        spec.job_program = argv[1];
        spec.etc_fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        spec.lists_fd = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (int i = 5; i < argc && spec.n_wanted < WANTED_MAX; i++) {
                if (strcmp(argv[i], "sensor") == 0) {
                        if (role_enter(ROLE_SENSOR, &none, 0, &st, &err) < 0)
                                goto failed;
                        continue;
                }
                if (strncmp(argv[i], "doubted=", 8) == 0) {
                        paths[0] = argv[i] + 8;
                        spec.trust = (struct apt_trust){ standing, paths, argv[2] };
                        continue;
                }
                if (text_from_hex(span_str(argv[i]), wanted[spec.n_wanted++], CHAIN_HASH) < 0)
                        return 2;
        }
        if (loop_new(&clock, &l, &err) < 0 ||
            chain_start(l, &spec, on_result, on_end, l, &c, &err) < 0 || loop_run(l) < 0)
                goto failed;
        return 0;
failed:
        fprintf(stderr, "%s\n", err_text(&err));
        return 1;
}
