/* SPDX-License-Identifier: Apache-2.0 */
/* passwd(5) and group(5): names of users and groups without the name service, whose plug-ins a
 * privileged process must not load.
 *
 *   name:password:uid:gid:comment:home:shell
 *     {"gid":0,"home":"/root","name":"root","shell":"/bin/sh","uid":0}
 *   name:password:gid:member,member
 *     {"gid":0,"members":["a"],"name":"root"}
 *
 * Password fields are never passed on. */
#include "base/text.h"
#include "job/job.h"
#include "state/reading/account_line.h"

enum { MEMBERS_MAX = 1024 };

static int put_user(struct job_out *out, struct span line, uint32_t number)
{
        struct account_user u;
        const char *why = account_user(line, &u);
        struct json_writer *w;

        if (!why && (u.uid == UINT32_MAX || u.gid == UINT32_MAX)) /* they mean "none" */
                why = "user or group is no number";
        if (why)
                return *why ? job_out_bad_line(out, number, why) : 0;
        w = job_out_begin(out);
        json_member_u64(w, "gid", u.gid);
        json_put_bytes(w, "home", u.home);
        json_put_bytes(w, "name", u.name);
        json_put_bytes(w, "shell", u.shell);
        json_member_u64(w, "uid", u.uid);
        return job_out_end(out);
}

static int put_group(struct job_out *out, struct span line, uint32_t number)
{
        struct account_group g;
        const char *why = account_group(line, &g);
        struct json_writer *w;
        struct span member;
        unsigned members = 0;

        if (!why && g.gid == UINT32_MAX)
                why = "group is no number";
        if (!why && !text_is_utf8(g.members, NULL))
                why = "members are no UTF-8";
        if (why)
                return *why ? job_out_bad_line(out, number, why) : 0;
        w = job_out_begin(out);
        json_member_u64(w, "gid", g.gid);
        json_put_key(w, "members");
        json_begin_array(w);
        while (members < MEMBERS_MAX && account_member(&g.members, &member)) {
                json_put_string(w, member);
                members++;
        }
        json_end_array(w);
        if (account_member(&g.members, &member))
                return job_out_bad_line(out, number, "too many members");
        json_put_bytes(w, "name", g.name);
        return job_out_end(out);
}

static int each_line(struct job_out *out, struct span input,
                     int (*put)(struct job_out *out, struct span line, uint32_t number))
{
        struct span line;
        int r = 0;

        for (uint32_t number = 1; r == 0 && job_cut(&input, '\n', &line); number++) {
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
