/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of proc(5); pure. */
#include "base/text.h"
#include "sys/proc.h"

/* Up to sep, which is taken off as well; false when nothing is left. */
static bool cut(struct span *s, char sep, struct span *ret)
{
        const uint8_t *at;

        if (s->n == 0)
                return false;
        at = memchr(s->p, sep, s->n);
        *ret = span_of(s->p, at ? (size_t)(at - s->p) : s->n);
        *s = span_from(*s, ret->n + 1);
        return true;
}

/* "1 2 3 4", blanks or tabs between. */
static int four_numbers(struct span s, uint32_t out[4])
{
        struct span word;
        uint64_t v;

        for (int i = 0; i < 4; i++) {
                if (!cut(&s, '\t', &word) || text_to_u64(word, &v) < 0 || v > UINT32_MAX)
                        return -EBADMSG;
                out[i] = (uint32_t)v;
        }
        return s.n == 0 ? 0 : -EBADMSG;
}

int proc_parse_status(struct span text, struct proc_ids *ret)
{
        struct proc_ids ids = { 0 };
        uint32_t u[4], g[4];
        unsigned seen = 0;
        struct span line;
        uint64_t ppid;
        int r = 0;

        /* the kernel escapes newlines in Name, so a line is a field */
        while (r == 0 && cut(&text, '\n', &line)) {
                if (span_starts(line, SPAN("Uid:\t"))) {
                        r = four_numbers(span_from(line, 5), u);
                        seen |= 1;
                } else if (span_starts(line, SPAN("Gid:\t"))) {
                        r = four_numbers(span_from(line, 5), g);
                        seen |= 2;
                } else if (span_starts(line, SPAN("PPid:\t"))) {
                        r = text_to_u64(span_from(line, 6), &ppid);
                        if (r == 0 && ppid <= INT32_MAX)
                                ids.ppid = (int32_t)ppid;
                        else
                                r = -EBADMSG;
                        seen |= 4;
                }
        }
        if (r < 0 || seen != 7)
                return -EBADMSG;
        ids.uid = u[0], ids.euid = u[1], ids.suid = u[2], ids.fsuid = u[3];
        ids.gid = g[0], ids.egid = g[1], ids.sgid = g[2], ids.fsgid = g[3];
        *ret = ids;
        return 0;
}

static int signed_number(struct span s, int32_t *ret)
{
        bool minus = span_starts(s, SPAN("-"));
        uint64_t v;

        if (text_to_u64(span_from(s, minus), &v) < 0 || v > INT32_MAX)
                return -EBADMSG;
        *ret = minus ? -(int32_t)v : (int32_t)v;
        return 0;
}

int proc_parse_stat(struct span text, struct proc_stat *ret)
{
        enum { SESSION = 6, TTY = 7, START = 22 };
        const uint8_t *end = text.n ? memrchr(text.p, ')', text.n) : NULL;
        struct proc_stat st = { 0 };
        struct span word;
        int r = 0;

        /* 2 (name) may hold brackets and blanks; no field after it does */
        if (!end)
                return -EBADMSG;
        text = span_from(text, (size_t)(end - text.p) + 2);
        for (int field = 3; r == 0 && field <= START; field++) {
                if (!cut(&text, ' ', &word))
                        return -EBADMSG;
                if (field == SESSION)
                        r = signed_number(word, &st.session);
                else if (field == TTY)
                        r = signed_number(word, &st.tty);
                else if (field == START)
                        r = text_to_u64(word, &st.start);
        }
        if (r < 0)
                return -EBADMSG;
        *ret = st;
        return 0;
}

/* What the kernel says behind the path of a group that a zombie outlives. */
static struct span without_deleted(struct span path)
{
        static const struct span deleted = SPAN_INIT(" (deleted)");

        if (path.n > deleted.n && span_eq(span_from(path, path.n - deleted.n), deleted))
                path.n -= deleted.n;
        return path;
}

int proc_parse_cgroup(struct span text, struct span *ret_path)
{
        struct span systemd = SPAN_NONE, unified = SPAN_NONE;
        struct span line, id, controllers;

        while (cut(&text, '\n', &line)) {
                if (!cut(&line, ':', &id) || !cut(&line, ':', &controllers) || line.n == 0)
                        return -EBADMSG;
                if (span_eq_str(id, "0") && controllers.n == 0)
                        unified = without_deleted(line);
                else if (span_eq_str(controllers, "name=systemd"))
                        systemd = line;
        }
        if (unified.n > 1 || (unified.n > 0 && systemd.n == 0))
                *ret_path = unified;
        else if (systemd.n > 0)
                *ret_path = systemd;
        else
                return -ENOENT;
        return 0;
}

bool proc_environ_leads(struct span text)
{
        static const char *const names[] = {
                "LD_PRELOAD=",   "LD_AUDIT=",        "LD_LIBRARY_PATH=", "GCONV_PATH=",
                "OPENSSL_CONF=", "OPENSSL_ENGINES=", "OPENSSL_MODULES=", "BASH_ENV=",
                "BASH_FUNC_",    "PERL5OPT=",        "PERL5LIB=",        "PERLLIB=",
                "PYTHONPATH=",   "PYTHONHOME=",
        };
        struct span v;

        while (cut(&text, '\0', &v))
                for (size_t i = 0; i < ARRAY_LEN(names); i++)
                        if (span_starts(v, span_str(names[i])))
                                return true;
        return false;
}

bool proc_environ_strays(struct span text)
{
        static const char *const usual[] = {
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        };
        struct span v;

        while (cut(&text, '\0', &v))
                if (span_starts(v, SPAN("PATH=")) && !span_eq_str(v, usual[0]) &&
                    !span_eq_str(v, usual[1]))
                        return true;
        return false;
}
