/* SPDX-License-Identifier: Apache-2.0 */
/* packed.h - packages made in a test.  Their Cedar schema is derived by the code under test, as it
 * must be; all else is said. */
#ifndef TESTS_PACKAGE_PACKED_H
#define TESTS_PACKAGE_PACKED_H

#include "package/package.h"

/* The model of an API "name" with GET /{id}, of an Account, and POST /, whose JSON body is
 * {amount: integer}. */
#define PACKED_MODEL(name)                                                                         \
        "{\"api\":{\"classes\":[\"pii\"],\"operations\":["                                         \
        "{\"id\":\"getAccount\",\"method\":\"GET\",\"object\":{\"parameter\":0,"                   \
        "\"type\":\"Account\"},\"parameters\":[{\"in\":\"path\",\"name\":\"id\","                  \
        "\"required\":true,\"schema\":0}],\"path\":\"/{id}\",\"reads\":[0],"                       \
        "\"segments\":[{\"parameter\":true,\"text\":\"id\"}]},"                                    \
        "{\"id\":\"pay\",\"method\":\"POST\",\"path\":\"/\",\"request\":{\"media\":[{"             \
        "\"json\":true,\"schema\":1,\"type\":\"application/json\"}],\"required\":true},"           \
        "\"segments\":[{\"text\":\"\"}]}],\"schemas\":[{\"types\":[\"string\"]},"                  \
        "{\"properties\":[{\"name\":\"amount\",\"required\":true,\"schema\":2}],"                  \
        "\"types\":[\"object\"]},{\"types\":[\"integer\"]}]},\"config\":{\"backend\":{"            \
        "\"unix\":\"/run/a\"},\"classes\":[{\"mask\":\"redact\",\"name\":\"pii\"}],\"depth\":32,"  \
        "\"name\":\"" name "\",\"request\":1000,\"response\":1000}}"

#define PACKED_POLICY                                                                              \
        "permit (principal in Group::\"clerks\", action == Action::\"pay\", resource)\n"           \
        "when { context.body.amount < 100 };\n"
#define PACKED_ENTITIES                                                                            \
        "[{\"uid\":{\"type\":\"Caller\",\"id\":\"ann\"},\"attrs\":{},"                             \
        "\"parents\":[{\"type\":\"Group\",\"id\":\"clerks\"}]}]"

struct packed {
        const char *api, *version;
        const char *model;
        const char *types;  /* of types.cedarschema; NULL: there is none */
        const char *schema; /* NULL: what is derived */
        const char *policy, *entities;
};
#define PACKED(name, version)                                                                      \
        ((struct packed){ name, version, PACKED_MODEL(name), NULL, NULL, PACKED_POLICY,            \
                          PACKED_ENTITIES })

/* Seed 0, 1, 2, ... 31 and its public half. */
#define PACKED_VKEY "release.example+4ef12784+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
struct signer *packed_signer(void);

/* Appends the package, signed by s; NULL: by nobody.  ret_sha256 may be NULL.  Aborts on any
 * failure of its own. */
void packed_put(struct buf *out, const struct packed *p, const struct signer *s,
                uint8_t ret_sha256[PACKAGE_HASH]);

#endif
