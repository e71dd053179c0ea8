/* SPDX-License-Identifier: Apache-2.0 */
/* registry_config.h - what registry.yaml(5) says, as the job "registry" told it.  Floor 2, pure. */
#ifndef PACKAGE_REGISTRY_CONFIG_H
#define PACKAGE_REGISTRY_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "wire/registry_fact.h"

struct registry_item {
        enum registry_fact_kind kind;
        const char *name, *of, *value;
        const struct registry_item *next;
};

struct registry_config {
        struct arena arena; /* holds what follows */
        const struct registry_item *first;
        struct registry_item *last;
        uint32_t n;
};

void registry_config_init(struct registry_config *c);
void registry_config_done(struct registry_config *c); /* fine on one that was initialised */

/* One fact more.  -EBADMSG: too many; -ENOMEM. */
MUST_USE int registry_config_add(struct registry_config *c, const struct registry_fact *f);

/* The next one of a kind behind `after` (NULL: the first); of this name, or of any (NULL). */
const struct registry_item *registry_config_next(const struct registry_config *c,
                                                 const struct registry_item *after,
                                                 enum registry_fact_kind kind, const char *name);
/* The value of the first one; NULL: there is none. */
const char *registry_config_value(const struct registry_config *c, enum registry_fact_kind kind,
                                  const char *name);

/* The directory of an API in a repository; NULL: it is not of that one. */
const char *registry_config_directory(const struct registry_config *c, const char *repository,
                                      struct span api);
/* Who signs as this principal or fingerprint; NULL: nobody who is known. */
const char *registry_config_author(const struct registry_config *c, const char *signer);

/* The keys of builders or approvers, in order: *ret_n of at most REGISTRY_KEYS_MAX. */
void registry_config_keys(const struct registry_config *c, enum registry_fact_kind kind,
                          struct span ret[REGISTRY_KEYS_MAX], size_t *ret_n);
/* Whose the n-th of them is. */
const struct registry_item *registry_config_key(const struct registry_config *c,
                                                enum registry_fact_kind kind, size_t n);

#endif
