/* SPDX-License-Identifier: Apache-2.0 */
/* deliver_config.h - where alerts are delivered, deliver.yaml(5).  Floor 3.
 *
 * The file is read here and parsed by assay-job; the digest is of exactly the bytes it parsed. */
#ifndef FLEET_DELIVER_CONFIG_H
#define FLEET_DELIVER_CONFIG_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/sha256.h"
#include "loop/conffile.h"
#include "wire/deliver_fact.h"

#define DELIVER_FILE "deliver.yaml"

enum deliver_config_flags {
        DELIVER_ANYBODYS = 1u << 0, /* to judge a file, not to use it: whoever's it is */
};

struct deliver_config {
        bool exists;
        uint8_t digest[SHA256_LEN];
        struct deliver_sink *sinks; /* DELIVER_SINKS_MAX of them, or NULL */
        size_t n;
        struct conffile_faults faults;
};

void deliver_config_init(struct deliver_config *c);
void deliver_config_done(struct deliver_config *c);

/* -ENOENT: there is no such file.  -EACCES: others than root may write it.  -EINVAL: there are
 * faults; err has the first one.  No sinks then. */
MUST_USE int deliver_config_load(const char *path, unsigned flags, const struct clock *clock,
                                 struct deliver_config *c, struct err *err);
/* One fact of the job; ctx is the config. */
int deliver_config_take(void *ctx, struct span json);

#endif
