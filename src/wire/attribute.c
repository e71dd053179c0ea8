/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/attribute.h"

enum {
        TYPE,
        MODE,
        UID,
        GID,
        SIZE,
        MTIME,
        INODE,
        LINKS,
        TARGET,
        RDEV,
        SHA256,
        XATTRS,
        FLAGS,
        ACL,
        ACL_DEFAULT,
        CAPS,
        LABEL,
        FSTYPE,
};

const char *const attribute_name[ATTRIBUTE_COUNT] = {
        [TYPE] = "type",   [MODE] = "mode",     [UID] = "uid",
        [GID] = "gid",     [SIZE] = "size",     [MTIME] = "mtime",
        [INODE] = "inode", [LINKS] = "links",   [TARGET] = "target",
        [RDEV] = "rdev",   [SHA256] = "sha256", [XATTRS] = "xattrs",
        [FLAGS] = "flags", [ACL] = "acl",       [ACL_DEFAULT] = "acl_default",
        [CAPS] = "caps",   [LABEL] = "label",   [FSTYPE] = "fstype",
};

#define IS(x) (1u << (x))

static const struct {
        const char *name;
        uint32_t set;
} groups[] = {
        { "all", ATTRIBUTE_ALL },
        { "content", IS(TYPE) | IS(SIZE) | IS(TARGET) | IS(RDEV) | IS(SHA256) },
        { "permissions",
          IS(MODE) | IS(FLAGS) | IS(ACL) | IS(ACL_DEFAULT) | IS(CAPS) | IS(LABEL) | IS(XATTRS) },
        { "ownership", IS(UID) | IS(GID) },
        { "identity", IS(INODE) | IS(LINKS) | IS(FSTYPE) },
};

uint32_t attribute_set(struct span name)
{
        for (size_t i = 0; i < ARRAY_LEN(groups); i++)
                if (span_eq_str(name, groups[i].name))
                        return groups[i].set;
        for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++)
                if (span_eq_str(name, attribute_name[i]))
                        return IS(i);
        return 0;
}
