/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/restore_plan.h"

/* Where one of these differs, it is another file. */
#define CONTENT (RECORD_F_TYPE | RECORD_F_SIZE | RECORD_F_LINK | RECORD_F_RDEV | RECORD_F_SHA256)

/* What a restore cannot mean: it makes a new inode, on the filesystem that is there. */
#define NEVER (RECORD_F_INODE | RECORD_F_FS)

void restore_plan(const struct record *good, const struct record *is, unsigned fields,
                  struct restore_plan *ret)
{
        struct restore_plan p = { .act = RESTORE_NOTHING };
        bool linked;

        if (!good || !is) {
                p.act = good ? RESTORE_CREATE : is ? RESTORE_REMOVE : RESTORE_NOTHING;
                p.content = good && good->type == RECORD_FILE;
                *ret = p;
                return;
        }
        /* Another name of the file is a way to change it; a name less is nobody's way. */
        linked = is->type != RECORD_DIR && is->nlink > good->nlink;
        p.differs = record_diff(good, is) & fields & ~(unsigned)NEVER;
        if (!linked)
                p.differs &= ~(unsigned)RECORD_F_LINKS;
        if (p.differs & (CONTENT | RECORD_F_LINKS))
                p.act = RESTORE_REPLACE;
        else if (p.differs)
                p.act = RESTORE_ATTRIBUTES;
        p.content = p.act == RESTORE_REPLACE && good->type == RECORD_FILE;
        *ret = p;
}

int restore_possible(const struct record *good, const struct restore_plan *p, struct err *err)
{
        if (p->act != RESTORE_CREATE && p->act != RESTORE_REPLACE)
                return 0;
        if (good->type == RECORD_SOCKET)
                return err_set(err, -ENOTSUP, "it was a socket, which only its program can make");
        if (p->content && good->hash != RECORD_HASH_KNOWN)
                return err_set(err, -ENOTSUP, "its content could not be read when it was trusted");
        return 0;
}

const char *restore_act_name(enum restore_act a)
{
        static const char *const names[RESTORE_ACTS] = {
                [RESTORE_NOTHING] = "nothing",  [RESTORE_ATTRIBUTES] = "attributes",
                [RESTORE_REPLACE] = "replaced", [RESTORE_CREATE] = "created",
                [RESTORE_REMOVE] = "removed",
        };

        return names[a];
}
