/* SPDX-License-Identifier: Apache-2.0 */
/* observe_priv.h - observe.c (opening, stat), observe_content.c (content) and observe_attrs.c (what
 * comes by extended attributes) to each other.  Floor 3. */
#ifndef INTEGRITY_OBSERVE_PRIV_H
#define INTEGRITY_OBSERVE_PRIV_H

#include "base/buf.h"
#include "crypto/sha256.h"
#include "integrity/trusted/observe.h"
#include "sys/dirwalk.h"

enum {
        OBSERVE_READ = 128 * 1024,
        OBSERVE_VALUE_MAX = 65536, /* the kernel's XATTR_SIZE_MAX and XATTR_LIST_MAX */
};

/* What the filesystem of the last file can do: asked once, not for each of its files. */
struct observe_fs {
        bool valid;
        uint32_t magic;
        uint32_t dev_major, dev_minor;
        uint64_t mnt_id;
        unsigned uses;
        enum observe_has { OBSERVE_NOT_ASKED, OBSERVE_HAS, OBSERVE_HAS_NOT } has[RECORD_PARTS];
};

struct observer {
        struct sha256_ctx *hash;
        struct observe_fs fs;
        struct buf names, value;
        struct buf attrs;   /* of the record under way, as encoded */
        const char **order; /* names in order */
        size_t order_max;

        /* The observation under way. */
        int fd;
        off_t at;
        bool reading; /* content is still to come */
        struct record r;
        struct table_handle handle;

        uint64_t hash_max;
        struct pace *pace;       /* NULL: as fast as it goes */
        struct content *content; /* NULL: content is not kept */
        uint64_t keep_max;
        atomic_uint_fast64_t *counter;     /* NULL: nobody asks */
        const atomic_bool *ended;          /* NULL: never */
        const struct observe_calls *calls; /* NULL: the calls themselves */
        uint8_t link[RECORD_LINK_MAX];
        uint8_t buf[OBSERVE_READ];
};

/* Fills o->r.attrs, known and fs from an open descriptor, O_PATH included, whose stat is st. */
void observe_attrs(struct observer *o, int fd, const struct fs_stat *st);

/* The file that is open, whose stat is o->r: is its content to be read?  Then reading begins; if
 * not, o->r says why. */
bool observe_may_hash(struct observer *o);
/* At most about max bytes of it.  1: there is more.  0: it is hashed, or cannot be. */
MUST_USE int observe_hash(struct observer *o, uint64_t max);
/* As pread(2) of the file that is open, ctx: bytes, or a negative errno. */
ssize_t observe_read(void *ctx, void *to, size_t n, uint64_t at);
void observe_no_hash(struct record *r, enum record_reason why);
enum record_reason observe_reason(int error);

/* The name of an attribute that is a part of its own; NULL for flags and all others. */
const char *observe_part_attr(enum record_part p);

#endif
