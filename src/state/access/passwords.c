/* SPDX-License-Identifier: Apache-2.0 */
/* How the accounts' passwords stand, by shadow(5): nine fields, and crypt(5) for what the second
 * is. A hash is told as the name of its method and as nothing else. */
#include "base/clock.h"
#include "state/reading/account_line.h"
#include "state/rows/row.h"
#include "state/tables.h"

enum { DAY_S = 86400, DAYS_MAX = 106751 /* 2262: as far as a time reaches */ };

static const struct state_column columns[] = {
        { "changed", STATE_TIME, 0, "day of its last change" },
        { "expires", STATE_TIME, 0, "day from which on the account is closed" },
        { "inactive_days", STATE_INT, 0, "days for which an old password is still taken" },
        { "max_days", STATE_INT, 0, "days after which it must be changed" },
        { "method", STATE_TEXT, 0, "how it is hashed: yescrypt, sha512crypt, des, ..." },
        { "min_days", STATE_INT, 0, "days before which it cannot be changed" },
        { "must_change", STATE_BOOL, 0, "has to be changed at the next login" },
        { "status", STATE_TEXT, 0,
          "set, locked, none (anyone may log in without) or unusable (what stands there is no hash)" },
        { "user", STATE_TEXT, STATE_KEY, "name of the account" },
        { "warn_days", STATE_INT, 0, "days of warning before it must be changed" },
};

static const struct state_source sources[] = { { STATE_FILE, 0, "/etc/shadow" } };

static const struct {
        struct span prefix;
        const char *method;
} methods[] = {
        { SPAN_INIT("$y$"), "yescrypt" },    { SPAN_INIT("$gy$"), "gost-yescrypt" },
        { SPAN_INIT("$7$"), "scrypt" },      { SPAN_INIT("$2a$"), "bcrypt" },
        { SPAN_INIT("$2b$"), "bcrypt" },     { SPAN_INIT("$2x$"), "bcrypt" },
        { SPAN_INIT("$2y$"), "bcrypt" },     { SPAN_INIT("$6$"), "sha512crypt" },
        { SPAN_INIT("$5$"), "sha256crypt" }, { SPAN_INIT("$sha1$"), "sha1crypt" },
        { SPAN_INIT("$md5$"), "sunmd5" },    { SPAN_INIT("$md5,"), "sunmd5" },
        { SPAN_INIT("$1$"), "md5crypt" },    { SPAN_INIT("$3$"), "nt" },
        { SPAN_INIT("$"), "unknown" },
};

static bool is_hash64(struct span s)
{
        for (size_t i = 0; i < s.n; i++) {
                uint8_t c = s.p[i];

                if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '.' && c <= '9'))
                        return false;
        }
        return true;
}

/* NULL: no method makes this. */
static const char *method_of(struct span hash)
{
        for (size_t i = 0; i < ARRAY_LEN(methods); i++)
                if (span_starts(hash, methods[i].prefix))
                        return methods[i].method;
        if (hash.n == 13 && is_hash64(hash))
                return "des";
        if (hash.n == 20 && hash.p[0] == '_' && is_hash64(span_from(hash, 1)))
                return "bsdicrypt";
        return NULL;
}

static void put_status(struct state_out *out, struct span hash)
{
        bool locked = hash.n && (hash.p[0] == '!' || hash.p[0] == '*');
        const char *method;

        /* passwd -l puts one in front, and others have been seen to put two. */
        while (hash.n && hash.p[0] == '!')
                hash = span_from(hash, 1);
        method = method_of(hash);
        state_str(out, "status",
                  locked    ? "locked"
                  : !hash.n ? "none"
                  : method  ? "set"
                            : "unusable");
        if (method)
                state_str(out, "method", method);
}

static void put_day(struct state_out *out, const char *column, int64_t day)
{
        if (day >= 0 && day <= DAYS_MAX)
                state_time(out, column, day * DAY_S * NS_PER_S);
}

static int put(struct state_out *out, const struct state_part *p, struct span line, uint32_t number)
{
        static const struct {
                enum account_days which;
                const char *column;
        } ages[] = { { DAYS_MIN, "min_days" },
                     { DAYS_MAX_AGE, "max_days" },
                     { DAYS_WARN, "warn_days" },
                     { DAYS_INACTIVE, "inactive_days" } };
        struct account_shadow w;
        const char *why = account_shadow(line, &w);

        if (why)
                return *why ? state_fault(out, p, number, "%s", why) : 0;
        state_begin(out);
        state_text(out, "user", w.name);
        put_status(out, w.password);
        state_bool(out, "must_change", w.days[DAYS_CHANGED] == 0);
        if (w.days[DAYS_CHANGED] > 0)
                put_day(out, "changed", w.days[DAYS_CHANGED]);
        put_day(out, "expires", w.days[DAYS_EXPIRES]);
        for (size_t i = 0; i < ARRAY_LEN(ages); i++)
                if (w.days[ages[i].which] >= 0)
                        state_int(out, ages[i].column, w.days[ages[i].which]);
        return state_end(out);
}

static int read_passwords(struct state_in *in, struct state_out *out, struct err *err)
{
        (void)err;
        return state_each_line(in, out, STATE_MUST_BE, put);
}

const struct state_table state_passwords = {
        .name = "passwords",
        .alert = "added removed status method",
        .about = "how the accounts' passwords stand",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 2,
        .flags = STATE_PERSONAL,
        .subject = "user",
        .subject_column = "user",
        .read = read_passwords,
};
