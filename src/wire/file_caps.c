/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/file_caps.h"

#include "base/le.h"

enum { EFFECTIVE = 1, REVISION_FIRST = 1, REVISION_LAST = 3 };

/* In the order of their numbers: Linux 5.9 and later has these. */
static const char *const names[] = {
        "chown",
        "dac_override",
        "dac_read_search",
        "fowner",
        "fsetid",
        "kill",
        "setgid",
        "setuid",
        "setpcap",
        "linux_immutable",
        "net_bind_service",
        "net_broadcast",
        "net_admin",
        "net_raw",
        "ipc_lock",
        "ipc_owner",
        "sys_module",
        "sys_rawio",
        "sys_chroot",
        "sys_ptrace",
        "sys_pacct",
        "sys_admin",
        "sys_boot",
        "sys_nice",
        "sys_resource",
        "sys_time",
        "sys_tty_config",
        "mknod",
        "lease",
        "audit_write",
        "audit_control",
        "setfcap",
        "mac_override",
        "mac_admin",
        "syslog",
        "wake_alarm",
        "block_suspend",
        "audit_read",
        "perfmon",
        "bpf",
        "checkpoint_restore",
};

#define ALL ((UINT64_C(1) << ARRAY_LEN(names)) - 1)

int file_caps_decode(struct span value, struct file_caps *ret, struct err *err)
{
        static const size_t lengths[] = { 12, 20, 24 }; /* by revision - 1 */
        struct file_caps c = { 0 };
        uint32_t magic;
        unsigned revision;

        if (value.n < 4)
                return err_set(err, -EBADMSG, "%zu bytes are no capabilities", value.n);
        magic = le_get32(value.p);
        revision = magic >> 24;
        if (revision < REVISION_FIRST || revision > REVISION_LAST)
                return err_set(err, -EBADMSG, "byte 3: revision %u is not known", revision);
        if (magic & 0x00ffffffu & ~(uint32_t)EFFECTIVE)
                return err_set(err, -EBADMSG, "byte 0: flags %#x are not known",
                               magic & 0x00ffffffu);
        if (value.n != lengths[revision - 1])
                return err_set(err, -EBADMSG, "%zu bytes where revision %u has %zu", value.n,
                               revision, lengths[revision - 1]);
        c.effective = magic & EFFECTIVE;
        c.permitted = le_get32(value.p + 4);
        c.inheritable = le_get32(value.p + 8);
        if (revision > 1) {
                c.permitted |= (uint64_t)le_get32(value.p + 12) << 32;
                c.inheritable |= (uint64_t)le_get32(value.p + 16) << 32;
        }
        if (revision > 2)
                c.root = le_get32(value.p + 20);
        *ret = c;
        return 0;
}

static void put_names(uint64_t set, struct buf *out)
{
        const char *comma = "";

        if (set == ALL) /* as getcap(8) writes it */
                return;
        for (unsigned i = 0; i < 64; i++) {
                if (!(set >> i & 1))
                        continue;
                if (i < ARRAY_LEN(names))
                        buf_printf(out, "%scap_%s", comma, names[i]);
                else
                        buf_printf(out, "%s%u", comma, i);
                comma = ",";
        }
}

void file_caps_put_text(const struct file_caps *c, struct buf *out)
{
        const struct {
                uint64_t set;
                const char *flags;
        } clauses[] = {
                { c->permitted & c->inheritable, "ip" },
                { c->permitted & ~c->inheritable, "p" },
                { c->inheritable & ~c->permitted, "i" },
        };
        const char *blank = "";

        if (!(c->permitted | c->inheritable))
                buf_put_byte(out, '=');
        for (size_t i = 0; i < ARRAY_LEN(clauses); i++) {
                if (!clauses[i].set)
                        continue;
                buf_put_str(out, blank);
                put_names(clauses[i].set, out);
                buf_printf(out, "=%s%s", c->effective ? "e" : "", clauses[i].flags);
                blank = " ";
        }
        if (c->root)
                buf_printf(out, " root=%u", c->root);
}
