/* SPDX-License-Identifier: Apache-2.0 */
/* replay_judged.c - see replay_judged.h. */
#include "command/api/replay_judged.h"

#include <stdlib.h>

#include "command/places.h"
#include "sys/io.h"

int replay_judged_open(const struct invocation *in, const char *path, struct replay_judged *ret,
                       struct err *err)
{
        char usual[PLACES_PATH_MAX];
        int rc = path ? 0 : places_join(in->state, "registry", usual, err);

        *ret = (struct replay_judged){ .registry = REGISTRY_INIT };
        if (rc == 0)
                rc = registry_open(path ? path : usual, &io_kernel, &ret->registry, err);
        ret->is_open = rc == 0;
        return path ? rc : 0;
}

static void judge_done(struct replay_judge *j)
{
        package_unref(j->package);
        free(j->bytes);
        *j = (struct replay_judge){ 0 };
}

void replay_judged_done(struct replay_judged *j)
{
        for (size_t i = 0; i < ARRAY_LEN(j->at); i++)
                judge_done(&j->at[i]);
        if (j->is_open)
                registry_close(&j->registry);
        j->is_open = false;
}

static void load(const struct replay_judged *j, struct replay_judge *ret)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct package_file file;

        if (registry_package(&j->registry, ret->sha256, &ret->bytes, &arena, &file, NULL) == 0)
                (void)!package_open_bytes(span_of(ret->bytes, file.body.n + file.note.n), NULL, 0,
                                          &ret->package, NULL);
}

const struct api *replay_judged_by(struct replay_judged *j, const uint8_t sha256[PACKAGE_HASH])
{
        struct replay_judge *slot = NULL;

        if (!j->is_open)
                return NULL;
        for (size_t i = 0; i < ARRAY_LEN(j->at) && !slot; i++)
                if (j->at[i].taken && memcmp(j->at[i].sha256, sha256, PACKAGE_HASH) == 0)
                        slot = &j->at[i];
        if (!slot) {
                slot = &j->at[j->next++ % ARRAY_LEN(j->at)];
                judge_done(slot);
                memcpy(slot->sha256, sha256, PACKAGE_HASH);
                slot->taken = true;
                load(j, slot);
        }
        return slot->package ? slot->package->api : NULL;
}
