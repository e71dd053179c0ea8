/* SPDX-License-Identifier: Apache-2.0 */
#include "state/targets/answer.h"

#include "state/reading/fields.h"
#include "state/reading/settings.h"

/* What programs say and what that means, the more special first.  Nothing of theirs is repeated: a
 * server chooses part of the words. */
static const struct {
        const char *program, *says, *means;
} reasons[] = {
        { "ldapsearch", "(49)", "the directory refuses the credentials" },
        { "ldapsearch", "(4)", "the directory's limit of entries cut the answer" },
        { "ldapsearch", "(3)", "the directory's limit of time cut the answer" },
        { "ldapsearch", "(11)", "the directory's limits cut the answer" },
        { "ldapsearch", "(32)", "there is no such base, or it is not ours to see" },
        { "ldapsearch", "(50)", "the directory gives us no right to read that" },
        { "ldapsearch", "(13)", "the directory wants TLS" },
        { "ldapsearch", "certificate", "the directory's certificate is not one of the CA file's" },
        { "ldapsearch", "Connect error (-11)",
          "no TLS with the directory, or not the one expected" },
        { "ldapsearch", "server (-1)",
          "the directory cannot be reached, or broke off, or its "
          "certificate is not one of the CA file's" },
        { "psql", "certificate verify failed",
          "the server's certificate is not one of the CA "
          "file's" },
        { "psql", "does not match host name", "the server's certificate has another name" },
        { "psql", "server does not support SSL", "the server has no TLS" },
        { "psql", "authentication failed", "the server refuses the credentials" },
        { "psql", "no password supplied", "the server wants a password" },
        { "psql", "no pg_hba.conf entry", "the server does not let this role in from here" },
        { "psql", "does not exist", "there is no such database or role" },
        { "psql", "statement timeout", "the server took too long" },
        { "psql", "permission denied", "the server gives us no right to read that" },
        { "psql", "Connection refused", "nothing listens there" },
        { "psql", "No such file or directory", "nothing listens there" },
        { "psql", "server closed the connection", "the server broke off" },
        { "psql", "terminating connection", "the server broke off" },
        { "psql", "connection to server", "the server cannot be reached" },
        { "ssh", "Host key verification failed", "the device's host key is not the one pinned" },
        { "ssh", "host key is known for", "the device's host key is not the one pinned" },
        { "ssh", "Permission denied", "the device refuses our key" },
        { "ssh", "no matching", "the device has no algorithm in common with us" },
        { "ssh", "Connection refused", "nothing listens there" },
        { "ssh", "timed out", "the device does not answer" },
        { "ssh", "Could not resolve", "the device's name has no address" },
        { "ssh", "Connection closed", "the device broke off" },
        { "ssh", "Connection reset", "the device broke off" },
};

int answer_parts(struct state_in *in, struct answer *ret, struct err *err)
{
        struct answer a = { .status = ENOENT };
        struct state_part p;
        bool there = false;

        while (state_next(in, &p)) {
                if (state_is_given(&p)) {
                        a.given = p.bytes;
                } else if (span_eq_str(p.name, "errors")) {
                        a.errors = p.bytes;
                } else {
                        a.part = p;
                        a.status = p.status;
                        there = true;
                }
        }
        if (!there)
                return err_set(err, -EIO, "nobody was asked");
        *ret = a;
        return 0;
}

static bool contains(struct span s, const char *what)
{
        return s.n && memmem(s.p, s.n, what, strlen(what));
}

static const char *reason(const struct answer *a)
{
        for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
                if (span_eq_str(a->part.name, reasons[i].program) &&
                    contains(a->errors, reasons[i].says))
                        return reasons[i].means;
        return NULL;
}

int answer_failed(const struct answer *a, struct err *err)
{
        const char *why = reason(a);
        struct buf b = BUF_INIT(256);

        state_put_status(&b, a->status);
        if (a->status == ETIMEDOUT)
                err_set(err, -EIO, "no whole answer in time");
        else if (a->status == ENOENT)
                err_set(err, -EIO, "the program that asks, or a file it is given, is not there");
        else if (a->status == EACCES)
                err_set(err, -EIO, "a file with credentials may be read by others, or not by us");
        else if (a->status == EFBIG)
                err_set(err, -EIO, "more of an answer than there is room for");
        else if (why)
                err_set(err, -EIO, "%s", why);
        else
                err_set(err, -EIO, "what asks it %s", buf_cstr(&b));
        buf_done(&b);
        return -EIO;
}

int answer_open(struct state_in *in, struct answer *ret, struct err *err)
{
        int rc = answer_parts(in, ret, err);

        return rc == 0 && ret->status ? answer_failed(ret, err) : rc;
}
