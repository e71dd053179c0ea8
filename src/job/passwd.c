/* SPDX-License-Identifier: Apache-2.0 */
/* passwd(5) and group(5): names of users and groups without the name service, whose plug-ins a
 * privileged process must not load.
 *
 *   name:password:uid:gid:comment:home:shell
 * {"gid":0,"home":"/root","name":"root","shell":"/bin/sh", "uid":0} name:password:gid:member,member
 * {"gid":0,"members":["a"],"name":"root"}
 *
 * Password fields are never passed on. */
#include "base/text.h"
#include "job/job.h"

enum { PASSWD_FIELDS = 7, GROUP_FIELDS = 4, MEMBERS_MAX = 1024 };

/* NULL, or why not. */
static const char *split(struct span line, struct span *fields, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;

                if ((i + 1 < n) != (colon != NULL))
                        return colon ? "too many fields" : "too few fields";
                fields[i] = span_of(line.p, colon ? (size_t)(colon - line.p) : line.n);
                line = span_from(line, fields[i].n + 1);
        }
        return fields[0].n ? NULL : "no name";
}

static bool to_id(struct span s, uint64_t *ret)
{
        return text_to_u64(s, ret) == 0 && *ret < UINT32_MAX; /* the last one means "none" */
}

static int put_user(struct job_out *out, struct span line, uint32_t number)
{
        struct span f[PASSWD_FIELDS];
        const char *why = split(line, f, PASSWD_FIELDS);
        struct json_writer *w;
        uint64_t uid = 0, gid = 0;

        if (!why && (!to_id(f[2], &uid) || !to_id(f[3], &gid)))
                why = "user or group is no number";
        if (why)
                return job_out_bad_line(out, number, why);
        w = job_out_begin(out);
        json_member_u64(w, "gid", gid);
        json_put_bytes(w, "home", f[5]);
        json_put_bytes(w, "name", f[0]);
        json_put_bytes(w, "shell", f[6]);
        json_member_u64(w, "uid", uid);
        return job_out_end(out);
}

static int put_group(struct job_out *out, struct span line, uint32_t number)
{
        struct span f[GROUP_FIELDS], member;
        const char *why = split(line, f, GROUP_FIELDS);
        struct json_writer *w;
        unsigned members = 0;
        uint64_t gid = 0;

        if (!why && !to_id(f[2], &gid))
                why = "group is no number";
        if (!why && !text_is_utf8(f[3], NULL))
                why = "members are no UTF-8";
        if (why)
                return job_out_bad_line(out, number, why);
        w = job_out_begin(out);
        json_member_u64(w, "gid", gid);
        json_put_key(w, "members");
        json_begin_array(w);
        while (members < MEMBERS_MAX && job_cut(&f[3], ',', &member))
                if (member.n > 0) {
                        json_put_string(w, member);
                        members++;
                }
        json_end_array(w);
        if (f[3].n > 0)
                return job_out_bad_line(out, number, "too many members");
        json_put_bytes(w, "name", f[0]);
        return job_out_end(out);
}

static int each_line(struct job_out *out, struct span input,
                     int (*put)(struct job_out *out, struct span line, uint32_t number))
{
        struct span line;
        int r = 0;

        for (uint32_t number = 1; r == 0 && job_cut(&input, '\n', &line); number++) {
                if (line.n == 0 || line.p[0] == '#')
                        continue;
                r = put(out, line, number);
                if (r == -E2BIG)
                        r = job_out_bad_line(out, number, "too long");
        }
        return r;
}

int job_passwd(struct job_out *out, struct span input, struct err *err)
{
        int r = each_line(out, input, put_user);

        return r < 0 ? err_sys(err, r, "passwd") : 0;
}

int job_group(struct job_out *out, struct span input, struct err *err)
{
        int r = each_line(out, input, put_group);

        return r < 0 ? err_sys(err, r, "group") : 0;
}
