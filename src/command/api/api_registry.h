/* SPDX-License-Identifier: Apache-2.0 */
/* api_registry.h - a registry of APIs as the commands open, change and record it.  Floor 3.
 *
 * What changes it is root's: the recorder writes the entry, and the registry itself is root's. */
#ifndef COMMAND_API_API_REGISTRY_H
#define COMMAND_API_API_REGISTRY_H

#include "command/command.h"
#include "command/places.h"
#include "loop/conffile.h"
#include "package/registry/registry_judge.h"

enum api_registry_use {
        API_REGISTRY_LOOK,
        API_REGISTRY_CONFIG, /* registry.yaml is read */
        API_REGISTRY_CHANGE, /* and the lock taken, the recorder there, what was pending settled */
};

struct api_registry {
        const struct invocation *in;
        char path[PLACES_PATH_MAX];
        char job_program[PLACES_PATH_MAX];
        struct registry r;
        struct registry_config config;
        struct registry_ledger ledger;
        struct registry_record *record;  /* of the act, zeroed but for who and when */
        struct registry_record *settled; /* what was pending; NULL: nothing was */
};

/* The option that names the directory, for an option table; type has a member `registry`. */
#define API_REGISTRY_OPTION(type)                                                                  \
        {                                                                                          \
                "registry", 0, OPTION_TEXT, offsetof(type, registry), "DIR",                       \
                        "the registry; registry below --state unless said"                         \
        }

/* path NULL: the usual one.  What is wrong is told: not STATUS_GOOD.  api_registry_close() in any
 * case. */
enum status api_registry_open(const struct invocation *in, const char *path,
                              enum api_registry_use use, struct api_registry *ret);
void api_registry_close(struct api_registry *x);

/* `record` begun anew: who, when, and what is done, "push". */
void api_registry_begin(struct api_registry *x, const char *act);
/* The act of x->record; what went wrong is told, in the ledger too where it was refused. */
enum status api_registry_act(struct api_registry *x);
/* How an act ended that was judged so: rc is 0, or err says why not.  A refusal becomes an entry.
 */
enum status api_registry_end(struct api_registry *x, int rc, struct err *err);

/* The version of an API; one that was not pushed is refused. */
MUST_USE int api_registry_version(struct api_registry *x, const char *api, const char *version,
                                  struct registry_record *ret, struct err *err);

/* A text of a user's that goes into entries: 1 to max bytes of UTF-8 on one line. */
bool api_registry_text_ok(const char *text, size_t max);

/* "sha256": and 64 hex digits. */
void api_registry_put_hash(struct json_writer *w, const char *key,
                           const uint8_t sha256[PACKAGE_HASH]);

#endif
